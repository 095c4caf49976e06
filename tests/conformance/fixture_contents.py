"""What the conformance runner wants to read: tools, resources and prompts of every content, and who subscribes."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp_types import (
    AudioContent,
    Completion,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import Field

SCHEMA_OF_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def png() -> bytes:
    """A red pixel."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\x00\xff\x00\x00")),
        (b"IEND", b""),
    )
    packed = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + packed


def wav() -> bytes:
    """A moment of silence."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(b"\x00\x00")
    return sound.getvalue()


def image() -> ImageContent:
    """The pixel as content."""
    return ImageContent(data=base64.b64encode(png()).decode(), mime_type="image/png")


def embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    """A text as an embedded resource."""
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def add_contents(server: MCPServer[Any]) -> None:
    """Register tools that answer with every kind of content."""

    @server.tool(description="A text.")
    def test_simple_text() -> str:
        return "This is a simple text response for testing."

    @server.tool(description="An image.")
    def test_image_content() -> list[ImageContent]:
        return [image()]

    @server.tool(description="A sound.")
    def test_audio_content() -> list[AudioContent]:
        return [AudioContent(data=base64.b64encode(wav()).decode(), mime_type="audio/wav")]

    @server.tool(description="A resource.")
    def test_embedded_resource() -> list[EmbeddedResource]:
        return [embedded("test://embedded-resource", "This is an embedded resource content.")]

    @server.tool(description="A text, an image and a resource.")
    def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
        mixed = embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json")
        return [TextContent(text="Multiple content types test:"), image(), mixed]

    @server.tool(description="Fail.")
    def test_error_handling() -> str:
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool(description="Log three times.")
    async def test_tool_with_logging(context: Context[Any, Any]) -> str:
        for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await context.info(said)
            await anyio.sleep(0.05)
        return "logged"

    @server.tool(description="Log once.")
    async def test_logging_tool(context: Context[Any, Any]) -> str:
        await context.info("a line")
        return "logged"

    @server.tool(description="Tell of progress three times.")
    async def test_tool_with_progress(context: Context[Any, Any]) -> str:
        for done in (0, 50, 100):
            await context.report_progress(done, 100)
            await anyio.sleep(0.05)
        return "done"

    @server.tool(description="Mirror an argument in a header.")
    def test_x_mcp_header(
        region: Annotated[str, Field(description="Where.", json_schema_extra={"x-mcp-header": "Region"})] = "",
    ) -> str:
        return region

    @server.tool(description="A schema of JSON Schema 2020-12.")
    def json_schema_2020_12_tool() -> str:
        return "called"

    server._tool_manager._tools["json_schema_2020_12_tool"].parameters = SCHEMA_OF_2020_12


def add_changes(server: MCPServer[Any]) -> None:
    """Register tools that change the lists and tell whoever listens."""

    @server.tool(description="Change the list of tools.")
    async def test_trigger_tool_change(context: Context[Any, Any]) -> str:
        server.add_tool(lambda: "passing", name="passing_tool", description="Soon gone.")
        server.remove_tool("passing_tool")
        await context.notify_tools_changed()
        return "changed"

    @server.tool(description="Change the list of prompts.")
    async def test_trigger_prompt_change(context: Context[Any, Any]) -> str:
        server.add_prompt(Prompt.from_function(lambda: "passing", name="passing_prompt", description="Soon gone."))
        server.remove_prompt("passing_prompt")
        await context.notify_prompts_changed()
        return "changed"


def add_readings(server: MCPServer[Any]) -> None:
    """Register resources, prompts, completion, subscriptions and log levels."""

    @server.resource("test://static-text", description="A text.", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", description="An image.", mime_type="image/png")
    def static_binary() -> bytes:
        return png()

    @server.resource("test://watched-resource", description="A text to watch.")
    def watched() -> str:
        return "watched"

    @server.resource("test://template/{id}/data", description="What an id stands for.")
    def template(id: str) -> str:  # noqa: A002  # the name in the URI
        return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'

    @server.prompt(description="Words.")
    def test_simple_prompt() -> str:
        return "This is a simple prompt for testing."

    @server.prompt(description="Words with two arguments.")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt(description="A resource.")
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803  # the runner's name
        return [
            UserMessage(embedded(resourceUri, "Embedded resource content for testing.")),
            UserMessage("Please process the embedded resource above."),
        ]

    @server.prompt(description="An image.")
    def test_prompt_with_image() -> list[UserMessage]:
        return [UserMessage(image()), UserMessage("Please analyze the image above.")]

    @server.completion()
    async def complete(*_: Any) -> Completion:
        return Completion(values=[], total=0, has_more=False)

    async def accept(*_: Any) -> EmptyResult:
        return EmptyResult()

    # The SDK registers these of the older era on its low-level server only.
    for method, params in (
        ("logging/setLevel", SetLevelRequestParams),
        ("resources/subscribe", SubscribeRequestParams),
        ("resources/unsubscribe", UnsubscribeRequestParams),
    ):
        server._lowlevel_server.add_request_handler(method, params, accept)
