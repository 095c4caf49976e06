"""Folders that a person publishes on the hub: by their own token, and open to everybody only if they say so."""

from __future__ import annotations

from pathlib import Path

import httpx

from classwright_tools.errors import ClasswrightError, InvalidInput, NotFound
from classwright_tools.hub.repository import Kind, subject_of

_LOG_IN = "Set HF_TOKEN to a token that may write, or run `hf auth login`."


def publish_folder(folder: Path, kind: Kind, name: str, message: str, *, public: bool) -> str:
    """Commit the files of `folder` to the repository `name`, which is made if it is not there; return its address.

    The repository then holds these files and no others, so that no split or graph of an earlier push stands beside
    them; what it held before stays in its history.

    A repository is private unless it is to be `public`. The token is the environment's HF_TOKEN, or that of the hub's
    own login; it is sent to the hub alone, and told nowhere.

    Raises:
        InvalidInput: there is no token, the name cannot be used, or the repository is there, and open where `public`
            was not said, or private where it was.
        NotFound: the hub cannot be reached, or does not let this token write there.
    """
    from huggingface_hub import HfApi, constants, get_token, is_offline_mode
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    subject = subject_of(kind, name)
    token = get_token()
    if not token:
        raise InvalidInput(subject, "cannot be written: no token of the hub is here", _LOG_IN)
    if is_offline_mode():
        raise NotFound(subject, "cannot be written: this process is offline (HF_HUB_OFFLINE is set)", "Unset it.")
    hub = HfApi(endpoint=constants.ENDPOINT, token=token, library_name="classwright")
    try:
        name = hub.create_repo(name, repo_type=kind, private=not public, exist_ok=True).repo_id  # with its owner
        is_private = bool(hub.repo_info(name, repo_type=kind).private)
        if public and is_private:
            repair = "Make it public in its settings on the hub, or leave --public out."
            raise InvalidInput(subject, "is there already, and private", repair)
        if not (public or is_private):
            repair = "Say --public if everybody may have it, or name another repository."
            raise InvalidInput(subject, "is there already, and open to everybody", repair)
        hub.upload_folder(repo_id=name, repo_type=kind, folder_path=folder, commit_message=message, delete_patterns="*")
    except HFValidationError as error:
        raise InvalidInput(subject, "is no name of a repository", "Name it as 'owner/name'.") from error
    except HfHubHTTPError as error:
        raise _refused(subject, error.response.status_code) from error
    except (httpx.HTTPError, RuntimeError) as error:  # the second for a large file of which an upload broke off
        reason = f"cannot be written: the hub cannot be reached, or broke off ({type(error).__name__})"
        raise NotFound(subject, reason, "Try again: what has arrived is not sent again.") from error
    return f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{name}"


def _refused(subject: str, status: int) -> ClasswrightError:
    """Return what a status of the hub means to a person."""
    if status in (401, 403, 404):
        return NotFound(subject, f"cannot be written with this token (the hub answered {status})", _LOG_IN)
    again = "Try again in some minutes." if status in (408, 429) or status >= 500 else "Check the name."
    return NotFound(subject, f"cannot be written: the hub answered with status {status}", again)
