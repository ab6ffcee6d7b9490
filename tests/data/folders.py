"""Folders in the folder format, written for tests."""

from pathlib import Path

SETTINGS = """\
files:
  interactions: interactions.csv
  items: items.csv
  users: users.csv
  truth: truth.csv
reward: {feedback: ratings, minimum: 1, maximum: 5}
"""

FILES = {
    "dataset.yaml": SETTINGS,
    "interactions.csv": "user_id,item_id,reward,timestamp\n7,30,4,100\n7,10,2,101\n20,30,5,99\n",
    "items.csv": "item_id,categories,price,maker\n10,b|a,1.5,acme\n20,,2.5,\n30,a,3.5,acme\n",
    "users.csv": "user_id,age\n7,20\n20,40\n",
    "truth.csv": "user_id,item_id,reward\n7,10,1\n7,30,2\n20,10,3\n20,30,4\n",
}


def write_folder(folder: Path, **changed: str | bytes | None) -> Path:
    """Write the example folder with some files changed, by name without suffix; None leaves a file out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        content = changed.get(name.split(".", maxsplit=1)[0], text)
        if isinstance(content, str):
            (folder / name).write_text(content, encoding="utf-8", newline="")
        elif content is not None:
            (folder / name).write_bytes(content)
    return folder
