"""The Hub's memory: repositories, users, stores, faults and the record of what was asked."""

import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from tests.hub.refusal import Refusal
from tests.hub.repository import GIT_ATTRIBUTES, Commit, File, Repository, lfs_file, regular_file
from tests.hub.store import Store
from tests.hub.traffic import Exchange, Fault
from tests.hub.xet import XetFile, Xorbs

SECRET = b"of the test double"
XET_SETTINGS = {
    "HF_XET_CLIENT_RETRY_BASE_DELAY": "10ms",
    "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "2",
    "HF_XET_TELEMETRY_ENABLED": "0",
}
"""Of hf_xet, which otherwise waits seconds between its attempts; it reads them when its session
starts.
"""


@dataclass(frozen=True, slots=True)
class User:
    """Who a token speaks for; `may_write`: the token's role."""

    name: str
    may_write: bool = True
    organizations: tuple[str, ...] = ()


@dataclass(slots=True)
class State:
    """Everything that a test may look at or change between requests.

    Attributes:
        url: of the API and of /resolve; storage_url: of the bytes, another host name of the same
            server.
        xet: give out Xet tokens and hashes; without it a client that has hf_xet is refused there.
        multipart_bytes: a larger file is uploaded in parts of this size when it goes by LFS.
        page_size: entries of a listing per page.
    """

    folder: Path
    url: str = ""
    storage_url: str = ""
    users: dict[str, User] = field(default_factory=dict)
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    multipart_bytes: int = 5 * 2**30
    page_size: int = 1000
    xet_hashes: dict[str, str] = field(default_factory=dict)
    """Xet hash by SHA-256, of what was uploaded with Xet."""
    xet_files: dict[str, XetFile] = field(default_factory=dict)
    shards_by_chunk: dict[str, bytes] = field(default_factory=dict)
    granted_xorbs: dict[str, bytes] = field(default_factory=dict)
    """Uploaded and not committed."""
    store: Store = field(init=False)
    xorbs: Xorbs = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self.folder / "objects")
        self.xorbs = Xorbs(self.folder / "xorbs")

    # --- What tests ask ---------------------------------------------------------------------------

    def fault(self, where: str, **how: object) -> Fault:
        """Adds a fault; see `Fault`."""
        fault = Fault(where, **how)  # type: ignore[arg-type]
        self.faults.append(fault)
        return fault

    def count(self, *endpoints: str) -> int:
        """Requests so far, to these endpoints or to all."""
        return sum(not endpoints or exchange.endpoint in endpoints for exchange in self.exchanges)

    def requests(self) -> Counter[str]:
        """Requests so far by endpoint."""
        return Counter(exchange.endpoint for exchange in self.exchanges)

    def received_bytes(self, *endpoints: str) -> int:
        """Bytes of request bodies so far: what clients uploaded."""
        return sum(
            e.received_bytes for e in self.exchanges if not endpoints or e.endpoint in endpoints
        )

    def sent_bytes(self, *endpoints: str) -> int:
        """Bytes of answers so far: what clients downloaded."""
        return sum(e.sent_bytes for e in self.exchanges if not endpoints or e.endpoint in endpoints)

    def repository(self, repo_id: str, kind: str = "dataset") -> Repository:
        return self.repositories[kind, repo_id]

    def create(self, repo_id: str, kind: str = "dataset", *, private: bool = False) -> Repository:
        """A new repository with the first commit that the Hub makes."""
        repository = Repository(kind, repo_id, private)
        self.repositories[kind, repo_id] = repository
        first = {".gitattributes": self.regular(GIT_ATTRIBUTES.encode())}
        repository.add_commit(
            "refs/heads/main", first, title="initial commit", author=repository.owner, parents=()
        )
        return repository

    def push(
        self,
        repo_id: str,
        files: Mapping[str, bytes | None],
        *,
        branch: str = "main",
        kind: str = "dataset",
    ) -> Commit:
        """A commit as another person would make it; None deletes a file."""
        repository = self.repository(repo_id, kind)
        head = repository.head(f"refs/heads/{branch}")
        tree = dict(head.files)
        attributes = (
            self.content(head.files[".gitattributes"]).decode()
            if ".gitattributes" in head.files
            else ""
        )
        for path, content in files.items():
            tree.pop(path, None)
            if content is not None:
                lfs = repository.is_lfs(head, path, attributes)
                tree[path] = (
                    lfs_file(self.store.put(content), len(content))
                    if lfs
                    else self.regular(content)
                )
        return repository.add_commit(
            f"refs/heads/{branch}",
            tree,
            title="By another person",
            author="another",
            parents=(head.oid,),
        )

    def push_folder(
        self, repo_id: str, folder: Path, *, tag: str | None = None, remove: Iterable[str] = ()
    ) -> Commit:
        """All files of a folder as one commit, with a tag: a published release without a client."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        commit = self.push(repo_id, {**dict.fromkeys(remove), **files})
        if tag is not None:
            self.repository(repo_id).refs[f"refs/tags/{tag}"] = commit.oid
        return commit

    def content(self, file: File) -> bytes:
        return self.store.path(file.sha256).read_bytes()

    def files(
        self, repo_id: str, revision: str = "main", kind: str = "dataset"
    ) -> dict[str, bytes]:
        """Everything that a revision holds, by path."""
        files = self.repository(repo_id, kind).commit_of(revision).files
        return {path: self.content(file) for path, file in files.items()}

    def environment(self, home: Path, *, token: str | None = None) -> dict[str, str]:
        """The variables of a process that knows only this Hub; `home` is its HF_HOME, made here.

        Loopback goes past any proxy, nothing is retried for minutes, and the tests' own offline
        mode is off.
        """
        home.mkdir(parents=True, exist_ok=True)
        kept = {
            name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
        }
        for name in ("HF_TOKEN", "HF_HUB_DISABLE_XET", "HF_XET_CACHE", "BROKENVIDEOS_REPO"):
            kept.pop(name, None)
        return {
            **kept,
            **XET_SETTINGS,
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            **({"HF_TOKEN": token} if token else {}),
        }

    # --- What endpoints ask -----------------------------------------------------------------------

    def regular(self, content: bytes) -> File:
        self.store.put(content)
        return regular_file(content)

    def user_of(self, request: Request) -> User | None:
        """Who asks; None without a token. Raises Refusal: 401 for an unknown token."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return None
        if token not in self.users:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return self.users[token]

    def readable(
        self, request: Request, kind: str, repo_id: str, *, files: bool = False
    ) -> Repository:
        """The repository, if who asks may see it; with `files`, if they may read its files.

        Raises:
            Refusal: 401 or 404 RepoNotFound; 401 or 403 GatedRepo.
        """
        user, repository = self.user_of(request), self.repositories.get((kind, repo_id))
        mine = user is not None and repository is not None and owns(user, repository)
        if repository is None or (repository.private and not mine):
            if user is None:
                raise Refusal(401, "Invalid username or password.", code="RepoNotFound")
            raise Refusal(404, "Repository not found", code="RepoNotFound")
        if (
            files
            and repository.gated
            and not mine
            and (user is None or user.name not in repository.granted)
        ):
            what = f"Access to {kind} {repo_id} is restricted"
            if user is None:
                raise Refusal(
                    401, f"{what}. You must be authenticated to access it.", code="GatedRepo"
                )
            raise Refusal(403, f"{what} and you are not in the authorized list.", code="GatedRepo")
        return repository

    def writable(
        self, request: Request, kind: str, repo_id: str, *, to_pull_request: bool = False
    ) -> tuple[Repository, User]:
        """The repository and who asks, if they may change it; a pull request needs less.

        Raises:
            Refusal: as `readable`; 401 without a token; 403 without the right.
        """
        repository, user = self.readable(request, kind, repo_id), self.user_of(request)
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        if not user.may_write:
            raise Refusal(403, "Forbidden: you must use a write token to upload to a repository.")
        if not to_pull_request and not owns(user, repository):
            raise Refusal(
                403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request"
            )
        return repository, user

    def sign(self, path: str) -> str:
        """A storage URL that only the Hub can have written."""
        signature = hmac.new(SECRET, path.encode(), hashlib.sha256).hexdigest()[:32]
        return f"{self.storage_url}{path}?signature={signature}"

    def check_signature(self, request: Request) -> None:
        """Raises Refusal: 403 for a storage URL of one's own making."""
        if self.sign(request.url.path).rpartition("=")[2] != request.query_params.get("signature"):
            raise Refusal(403, "SignatureDoesNotMatch")


def owns(user: User, repository: Repository) -> bool:
    return repository.owner in (user.name, *user.organizations)
