"""The state of a build: one JSON document, written anew in place whenever something happens."""

import datetime
import json
import threading


class State:
    def __init__(self, path, about):
        self.path = path
        self.lock = threading.Lock()
        self.board = {
            "project_info": {"idea": about, "created_at": now(), "status": "building"},
            "modules": {},
            "files_created": [],
            "agent_attempts": [],
        }
        path.parent.mkdir(parents=True)
        self.save()

    def plan(self, modules):
        with self.lock:
            self.board["modules"] = {module["name"]: module for module in modules}
            self.save()

    def attempt(self, agent, module, asked, answered):
        with self.lock:
            self.board["agent_attempts"].append(
                {"agent": agent, "module": module, "timestamp": now(), "input": asked, "output": answered}
            )
            self.save()

    def write_file(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        with self.lock:
            self.board["files_created"].append(str(path))
            self.save()

    def finish(self):
        # Two threads finish in any order.
        self.board["files_created"].sort()
        self.board["agent_attempts"].sort(key=lambda attempt: (attempt["module"] or "", attempt["agent"]))
        self.board["project_info"]["status"] = "complete"
        self.save()

    def save(self):
        text = json.dumps(self.board, indent=1)
        with self.path.open("w") as file:
            file.write(text[: len(text) // 2])
            file.flush()
            file.write(text[len(text) // 2 :])


def now():
    return datetime.datetime.now().isoformat()
