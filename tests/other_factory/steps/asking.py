"""Asking the model, which is the one that the client finds by itself."""

import re

import ollama

MODEL = "llama3.1"


def ask(system, task, stream=False):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": task}]
    answer = ollama.chat(model=MODEL, messages=messages, stream=stream)
    if stream:
        return "".join(part["message"]["content"] for part in answer)
    return answer["message"]["content"]


def code_in(answer):
    fenced = re.search(r"```\w*\n(.*?)```", answer, re.DOTALL)
    return fenced.group(1) if fenced else answer
