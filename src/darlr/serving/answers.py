"""Answers as plain values, JSON and CSV."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from darlr.serving.messages import Answer
from darlr.text import brief, is_formula

COLUMNS = ("user_id", "rank", "item_id", "score", "expected_reward")


def plain_answer(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON has it: lists with one entry for each item, and the notes."""
    explanations = [asdict(entry.explanation) for entry in answer if entry.explanation is not None]
    return {
        "user": answer.user,
        "items": [entry.item for entry in answer],
        "scores": [entry.score for entry in answer],
        "expected_rewards": [entry.expected_reward for entry in answer],
        **({"explanations": explanations} if explanations else {}),
        **({"notes": list(answer.notes)} if answer.notes else {}),
    }


def format_answers(answers: Sequence[Answer], kind: str) -> str:
    """Write answers as CSV (`COLUMNS`) or JSON (`plain_answer`, a list); ids are as in the log."""
    if kind == "json":
        return json.dumps(list(map(plain_answer, answers)), indent=1) + "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for answer in answers:
        for rank, entry in enumerate(answer, start=1):
            writer.writerow((answer.user, rank, entry.item, f"{entry.score:.6g}", f"{entry.expected_reward:.6g}"))
    return text.getvalue()


def note_lines(answers: Sequence[Answer], kind: str, most: int) -> Iterator[str]:
    """Yield the notes on a batch that is written as `kind`: `most` notes with their requests, and the number of others."""
    notes = [(number, answer, note) for number, answer in enumerate(answers, start=1) for note in answer.notes]
    for number, answer, note in notes[:most]:
        yield f"request {number}, user {brief(answer.user)}: {note}"
    if len(notes) > most:
        requests = len({number for number, *_ in notes})
        told = f"{requests:,} of {len(answers):,} requests have any, and --format json has all"
        yield f"{len(notes) - most:,} more such notes; {told}"
    formulas = sum(is_formula(answer.user) or any(is_formula(entry.item) for entry in answer) for answer in answers)
    if kind == "csv" and formulas:
        yield f"ids in {formulas:,} answers begin as formulas do (= + - @); they are as in the log, so import them as text"
