"""The picture with a slider of the fourth notebook, as a page of its own: `python -m website.figures.belief_steps`."""

import nbformat
from nbclient import NotebookClient

from website.repository import DOCS, NOTEBOOKS, ROOT

NOTEBOOK = NOTEBOOKS / "4_belief.ipynb"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>What the belief does</title></head><body style="margin:0">{picture}</body></html>
"""


def main() -> None:
    """Run the notebook and write its last output to docs/figures/belief_steps.html."""
    notebook = nbformat.reads(NOTEBOOK.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    scratch = ROOT / "build" / "figures" / "notebook"
    scratch.mkdir(parents=True, exist_ok=True)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(scratch)}}).execute()
    [picture] = [
        output.data["text/html"]
        for output in notebook.cells[-2].outputs
        if output.output_type == "execute_result" and "text/html" in output.data
    ]
    (DOCS / "figures" / "belief_steps.html").write_text(PAGE.format(picture=picture.strip()), encoding="utf-8")
    print("docs/figures/belief_steps.html")


if __name__ == "__main__":
    main()
