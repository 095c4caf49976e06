"""Paths that may be imported: those inside the import folders, and none of a file that could run code."""

from __future__ import annotations

from pathlib import Path

from classwright_tools.errors import InvalidInput, NotFound

PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy", ".npz", ".dill", ".py"}


def resolved_import(path: str, folders: tuple[Path, ...]) -> Path:
    """Return the file or folder `path`, which must lie in one of `folders`; a relative one is looked for in each.

    Raises:
        InvalidInput: there are no import folders, the path leads out of them, or its kind of file is refused.
        NotFound: there is no such file.
        PermissionError: a folder above it may not be looked into.
    """
    subject = f"path {Path(path).name!r}"
    if not folders:
        raise InvalidInput(
            subject,
            "no import folder is open",
            "Paste the table as `csv`, or pass `rows`; or whoever starts the server opens a folder: "
            "classwright serve --import-folder FOLDER.",
        )
    names = ", ".join(repr(folder.name) for folder in folders)
    try:
        candidates = [(folder / path).resolve() for folder in folders]
        inside = [c for c in candidates if any(c.is_relative_to(folder.resolve()) for folder in folders)]
        found = next((candidate for candidate in inside if candidate.exists()), None)
    except PermissionError:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, a zero byte, a loop of links
        raise InvalidInput(subject, "is not a path that can be looked up", "Pass the path of a file.") from error
    if not inside:
        raise InvalidInput(
            subject,
            f"lies outside the import folders ({names})",
            "Move the file there, or paste it as `csv`; whoever runs the server adds folders with --import-folder.",
        )
    if found is None:
        raise NotFound(subject, f"does not exist in the import folders ({names})", _nearest(path, folders))
    _refuse_code(found, folders)
    return found


def _nearest(path: str, folders: tuple[Path, ...]) -> str:
    """Return what to do about a `path` that does not exist: the nearest file of the folders is named."""
    import difflib
    from itertools import islice

    names = [p.name for folder in folders if folder.is_dir() for p in islice(sorted(folder.iterdir()), 500)]
    nearest = difflib.get_close_matches(Path(path).name, names, n=1, cutoff=0.5)
    return (
        f"Did you mean {nearest[0]!r}?" if nearest else "Check the name; a relative path is looked for in each folder."
    )


def _refuse_code(path: Path, folders: tuple[Path, ...]) -> None:
    """Refuse pickles, and folders that hold links which lead out of the import folders."""
    if path.suffix.lower() in PICKLES:
        raise InvalidInput(
            f"file {path.name!r}",
            "is of a kind that can run code when it is read",
            "Save the rows as JSONL, CSV or Parquet.",
        )
    for inner in path.rglob("*") if path.is_dir() else ():
        try:
            leads_to = inner.resolve()
        except (OSError, RuntimeError) as error:
            raise InvalidInput(
                f"folder {path.name!r}", f"holds {inner.name!r}, a link that leads to itself", "Remove the link."
            ) from error
        if not any(leads_to.is_relative_to(folder.resolve()) for folder in folders):
            raise InvalidInput(
                f"folder {path.name!r}",
                f"holds {inner.name!r}, which leads out of the import folders",
                "Put the file itself there, not a link to it.",
            )
