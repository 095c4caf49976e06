"""The tools that ask: by requests during the call in the older era, by answers that want input in the newer."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, Elicit, ElicitationResult, MCPServer, Resolve
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field

from fixture_tasks import question

AnyContext = Context[Any, Any]
Answer = str | InputRequiredResult


class Who(BaseModel):
    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Word(BaseModel):
    word: str


class WithDefaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def _titled(**titles: str) -> list[dict[str, str]]:
    return [{"const": value, "title": title} for value, title in titles.items()]


class WithEnums(BaseModel):
    untitledSingle: str = Field(json_schema_extra={"enum": ["option1", "option2"]})  # noqa: N815  # the runner's names
    titledSingle: str = Field(json_schema_extra={"oneOf": _titled(value1="First", value2="Second")})  # noqa: N815
    legacyEnum: str = Field(json_schema_extra={"enum": ["opt1", "opt2"], "enumNames": ["One", "Two"]})  # noqa: N815
    untitledMulti: list[str] = Field(json_schema_extra={"items": {"type": "string", "enum": ["option1", "option2"]}})  # noqa: N815
    titledMulti: list[str] = Field(json_schema_extra={"items": {"anyOf": _titled(value1="First", value2="Second")}})  # noqa: N815


def message(text: str) -> CreateMessageRequest:
    """A request that the client's model write something."""
    said = SamplingMessage(role="user", content=TextContent(text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[said], max_tokens=100))


def add_questions_of_the_older_era(server: MCPServer[Any]) -> None:
    """Register tools that send requests to the client while they run."""

    @server.tool(description="Have the client's model write.")
    async def test_sampling(prompt: str, context: AnyContext) -> str:
        said = [SamplingMessage(role="user", content=TextContent(text=prompt))]
        result = await context.session.create_message(said, max_tokens=100, related_request_id=context.request_id)
        return f"LLM response: {result.content}"

    async def asked(context: AnyContext, words: str, schema: type[BaseModel]) -> str:
        result = await context.elicit(message=words, schema=schema)
        return f"User response: {result.model_dump_json()}"

    @server.tool(description="Ask the user.")
    async def test_elicitation(message: str, context: AnyContext) -> str:
        return await asked(context, message, Who)

    @server.tool(description="Ask the user, with defaults.")
    async def test_elicitation_sep1034_defaults(context: AnyContext) -> str:
        return await asked(context, "Who are you?", WithDefaults)

    @server.tool(description="Ask the user to choose.")
    async def test_elicitation_sep1330_enums(context: AnyContext) -> str:
        return await asked(context, "Which?", WithEnums)


def add_questions_of_the_newer_era(server: MCPServer[Any]) -> None:
    """Register tools and a prompt that answer with what they want to know, and go on when they are called again."""

    @server.tool(description="Need sampling.")
    async def test_missing_capability(context: AnyContext) -> str:
        if context.client_capabilities is None or context.client_capabilities.sampling is None:
            data = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "The client did not declare sampling.", data)
        return "sampling is there"

    @server.tool(description="Ask by a resolver.")
    async def test_streaming_elicitation(
        answer: Annotated[ElicitationResult[Word], Resolve(lambda: Elicit("A word?", Word))],
    ) -> str:
        return answer.action

    def asking(name: str, **requests: Any) -> None:
        """Register a tool that is done once all `requests` are answered."""

        @server.tool(name=f"test_input_required_result_{name}", description=f"Ask: {', '.join(requests)}.")
        async def ask(context: AnyContext) -> Answer:
            if set(requests) <= set(context.input_responses or {}):
                return "state-ok: all was answered"
            return InputRequiredResult(input_requests=requests, request_state=name)

    your_name, greeting, roots = question("Your name?", "name", "string"), message("Greet"), ListRootsRequest()
    confirm = question("Please confirm", "ok", "boolean")
    asking("elicitation", user_name=your_name)
    asking("sampling", capital_question=message("What is the capital of France?"))
    asking("list_roots", client_roots=roots)
    asking("request_state", confirm=confirm)
    asking("tampered_state", confirm=confirm)
    asking("multiple_inputs", user_name=your_name, greeting=greeting, client_roots=roots)

    @server.tool(description="Ask only what the client can answer.")
    async def test_input_required_result_capabilities(context: AnyContext) -> InputRequiredResult:
        declared = context.client_capabilities
        requests: dict[str, Any] = {}
        if declared and declared.sampling is not None:
            requests["greeting"] = greeting
        if declared and declared.elicitation is not None:
            requests["user_name"] = your_name
        return InputRequiredResult(input_requests=requests, request_state="asked")

    @server.tool(description="Ask in two rounds.")
    async def test_input_required_result_multi_round(context: AnyContext) -> Answer:
        reached = json.loads(context.request_state or "0")
        answered = set(context.input_responses or {})
        steps: list[ElicitRequest] = [
            question("Step 1: What is your name?", "name", "string"),
            question("Step 2: What is your favorite color?", "color", "string"),
        ]
        if reached and f"step{reached}" not in answered:
            reached -= 1
        if reached == len(steps):
            return "both were answered"
        requests = {f"step{reached + 1}": steps[reached]}
        return InputRequiredResult(input_requests=requests, request_state=json.dumps(reached + 1))

    @server.prompt(description="Ask for the context.")
    async def test_input_required_result_prompt(context: AnyContext) -> list[UserMessage] | InputRequiredResult:
        if "user_context" not in (context.input_responses or {}):
            wanted = question("What context should the prompt use?", "context", "string")
            return InputRequiredResult(input_requests={"user_context": wanted})
        return [UserMessage("Use the context.")]
