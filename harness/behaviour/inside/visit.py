"""The visitor: starts the generated application, waits until it answers, asks it everything, and tells.

What to do is a JSON object on standard input; what came of it is told on standard output, a JSON object on
each line: first whether it started, then every answer in turn. It is told at once, so that of a visit that is
cut off there is what was seen until then.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["main"]

_LOG = Path("/tmp/log")  # noqa: S108 (the sandbox's own)
_LAST_WORDS = 4096
_LOOK_EVERY_S = 0.01
_ENDING_S = 0.2
_LISTENING = "0A"


def main() -> None:
    """Visit the application that standard input tells of."""
    job = json.load(sys.stdin)
    began = time.monotonic()
    with _LOG.open("wb") as log:
        try:
            application = subprocess.Popen(  # noqa: S603 (this is what the sandbox is for)
                job["command"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        except OSError as error:
            _tell({"started": False, "reason": f"{job['command'][0]}: {error.strerror}"})
            return
    try:
        if job["questions"] is None:
            _tell(_called(application, job["startup_s"]))
            return
        port = _port(application, began + job["startup_s"])
        if port is None:
            _tell({"started": False, "reason": _why_not(application, job["startup_s"])})
            return
        _tell({"started": True, "startup_s": time.monotonic() - began})
        _ask_all(application, port, job)
    finally:
        application.kill()


def _called(program: subprocess.Popen[bytes], patience_s: float) -> Mapping[str, object]:
    began = time.monotonic()
    try:
        started = program.wait(patience_s) == 0
    except subprocess.TimeoutExpired:
        started = False
    if started:
        return {"started": True, "startup_s": time.monotonic() - began}
    return {"started": False, "reason": _why_not(program, patience_s)}


def _why_not(application: subprocess.Popen[bytes], patience_s: float) -> str:
    said = _last_words()
    if application.poll() is None:
        return f"it neither answered nor ended within {patience_s:g} s{said}"
    code = application.returncode
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"it ended with {ended}{said}"


def _last_words() -> str:
    """The last line that it wrote, as the end of a sentence."""
    with _LOG.open("rb") as log:
        log.seek(max(0, log.seek(0, 2) - _LAST_WORDS))
        lines = log.read().decode(errors="replace").split("\n")
    return next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")


def _port(application: subprocess.Popen[bytes], until: float) -> int | None:
    """The port at which it listens, the first that there is; None where none comes."""
    while time.monotonic() < until:
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING:
                    return int(fields[1].rpartition(":")[2], 16)
        if application.poll() is not None:
            return None
        time.sleep(_LOOK_EVERY_S)
    return None


def _ask_all(application: subprocess.Popen[bytes], port: int, job: Mapping[str, object]) -> None:
    questions, request_s, asking_s, most = (job[k] for k in ("questions", "request_s", "asking_s", "body"))
    if not isinstance(questions, Sequence):
        raise TypeError("not a job")
    until = time.monotonic() + float(str(asking_s))
    for question in questions:
        if application.poll() is not None:
            # Told once: all that could be asked after it has the same answer.
            _tell({"error": f"the application had ended{_last_words()}"})
            return
        if time.monotonic() > until:
            return
        answer = _ask(port, question, float(str(request_s)), int(str(most)))
        _tell(answer)
        if "error" in answer:
            # Perhaps it ends at just this time.
            with suppress(subprocess.TimeoutExpired):
                application.wait(_ENDING_S)


def _ask(port: int, question: Mapping[str, str], patience_s: float, most: int) -> Mapping[str, object]:
    # The same name for any port: pages may show it.
    headers = {"Host": "localhost", "Accept": "*/*"}
    content = question["content"].encode()
    if content:
        headers["Content-Type"] = question["content_type"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience_s)
    try:
        connection.request(question["method"], question["path"], content or None, headers)
        response = connection.getresponse()
        body = response.read(most)
    except TimeoutError:
        return {"error": f"no answer within {patience_s:g} s"}
    except OSError:
        # When exactly it goes away decides on which error this is.
        return {"error": "the connection was closed without an answer"}
    except (http.client.HTTPException, ValueError):
        return {"error": "an answer that is no HTTP"}
    finally:
        connection.close()
    return {
        "status": response.status,
        "content_type": response.headers.get("Content-Type"),
        "location": response.headers.get("Location"),
        "body": body.decode(errors="replace"),
    }


def _tell(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
