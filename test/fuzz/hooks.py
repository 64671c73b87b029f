"""What Schemathesis cannot know of this API: checks of our own, and parameters that only an earlier answer can give."""

import re

import schemathesis
from schemathesis.generation import GenerationMode

# Signs of the inside of a server: frames of a stack, paths of its files, statements, messages of its libraries.
INTERNALS = re.compile(
    r"""
      \n\s+at\s.+\(.+:\d+:\d+\)              # a frame of a stack
    | (/[\w.-]+)+\.(ts|js|tsx|sql)\b         # a file
    | node_modules
    | \b(select|insert|update|delete)\b.+\b(from|into|set|where)\b
    | \bapply_operations\b|\brecord_events\b|\bpg_\w+
    | PostgresError|KafkaJS|TypeError|ReferenceError|SyntaxError|ECONN\w+
    | relation\ "|column\ "|violates\ (check|unique|foreign)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


@schemathesis.check
def nothing_of_the_inside_is_told(ctx, response, case):
    """No answer of any status shows how the server is made."""
    if response.status_code < 400:
        return
    problem = response.json()
    # These repeat the request, which may say anything.
    told = {name: value for name, value in problem.items() if name not in ("instance", "errors", "request_id")}
    found = INTERNALS.search(str(told))
    assert found is None, f"the answer shows {found.group(0)!r}"


@schemathesis.check
def every_answer_is_named(ctx, response, case):
    """Request-Id is on every answer, and a problem repeats it."""
    (name,) = response.headers["request-id"]
    if response.status_code >= 400:
        problem = response.json()
        # The stored answer of an earlier request keeps that one's id.
        if "idempotency-replayed" not in response.headers:
            assert problem["request_id"] == name, f"{problem['request_id']} is not {name}"
        assert problem["status"] == response.status_code
        assert problem["type"] == f"/problems/{problem['code']}"


ENTITY_TAGS = re.compile(r'\*|(W/)?"[^"]*"(,\s*(W/)?"[^"]*")*')


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Makes a proper request proper where a document cannot say how: it would be refused, and rightly so."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if case.query:
        # The text of an earlier answer: none that is made up is one.
        case.query.pop("cursor", None)
        # A balance is asked for a time or for a version.
        if "at" in case.query:
            case.query.pop("version", None)
    if case.headers:
        # The body has the key; the same again in the header is all that it may say.
        if isinstance(case.body, dict) and "idempotency_key" in case.body:
            case.headers.pop("Idempotency-Key", None)
        # In its coverage phase Schemathesis 4.32 sends a bare 0, whatever the header's pattern.
        if ENTITY_TAGS.fullmatch(case.headers.get("If-Match", "*")) is None:
            del case.headers["If-Match"]
