"""The OpenAPI 3.1 document of /api/v1: what may be sent and what is answered. A test holds it to the real routes."""

from __future__ import annotations

from typing import Any, Final

from engine.service.api_items import MOST, STATES
from engine.service.item_fields import TEXTS
from engine.service.items_tables import KINDS, SOURCE_TYPES

VERSION: Final = "1.0"
_INSTANT: Final = {
    "type": "string",
    "description": "RFC 3339 with offset, or `2026-03-02 09:12` for Asia/Shanghai. Not in the future.",
    "examples": ["2026-03-02T09:12:00+08:00"],
}
_ABOUT: Final = {
    "title": "标题；不填则取正文开头 / title; left out: the text's first words",
    "body": "正文 / text",
    "source_name": "网站、账号或热线名称 / site, account or hotline; left out: the token's name",
    "url": "http(s) 网址 / address",
    "author": "发布者昵称 / name of the author there",
    "contact": "来电号码 / caller's number",
    "district": "涉及区划 / district",
    "parent_url": "所评论信息的网址 / address of the item this one comments on",
}
_INSTANTS: Final = {
    "published_at": "发布时间 / published",
    "captured_at": "采集时间 / captured by the vendor",
    "discovered_at": "发现时间；不填则为收到时间 / discovered; left out: now",
}


def _item() -> dict[str, Any]:
    texts = {name: {"type": "string", "maxLength": TEXTS[name], "description": said} for name, said in _ABOUT.items()}
    instants = {
        name: {**_INSTANT, "description": f"{said}. {_INSTANT['description']}"} for name, said in _INSTANTS.items()
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["title"]}, {"required": ["body"]}],
        "properties": {
            **texts,
            **instants,
            "source_type": {"type": "string", "enum": list(SOURCE_TYPES), "description": "R16; left out: the token's"},
            "item_kind": {"type": "string", "enum": list(KINDS), "description": "R19"},
            "callback": {"type": "boolean", "description": "来电人希望回电 / the caller wants to be called back"},
        },
    }


def _problem(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {"application/problem+json": {"schema": schema}}}


def _json(text: str, name: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


_REFUSED: Final = {"401": "No valid token.", "429": "Too many requests in this minute; see Retry-After."}


def document(server: str) -> dict[str, Any]:
    """The document; `server`: address of this installation."""
    always = {status: _problem(text) for status, text in _REFUSED.items()}
    key = {
        "name": "Idempotency-Key", "in": "header", "required": False,
        "description": "The same key and body within seven days get the first answer again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 100},
    }  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Items of online public opinion",
            "version": VERSION,
            "description": "Monitoring vendors and the 12345 hotline send items. Nothing of cases can be read.",
        },
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": {
            "/api/v1/items": {
                "post": {
                    "operationId": "addItems",
                    "summary": f"One item, or a list of at most {MOST}: all of it is kept, or none.",
                    "parameters": [key],
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"oneOf": [
                            {"$ref": "#/components/schemas/Item"},
                            {"type": "array", "minItems": 1, "maxItems": MOST,
                             "items": {"$ref": "#/components/schemas/Item"}},
                        ]}}},
                    },
                    "responses": {
                        "201": _json("Kept; at least one is new.", "Added"),
                        "200": _json("All of it was here already.", "Added"),
                        "400": _problem("No JSON."),
                        "409": _problem("The Idempotency-Key was used with another body."),
                        "413": _problem("Too large."),
                        "415": _problem("Content-Type is not application/json."),
                        "422": _problem("Fields are wrong; `errors` names each."),
                        **always,
                    },
                }
            },
            "/api/v1/items/{item}": {
                "get": {
                    "operationId": "itemStatus",
                    "summary": "What became of an item that this token sent.",
                    "parameters": [{"name": "item", "in": "path", "required": True, "schema": {"type": "integer"}}],
                    "responses": {
                        "200": _json("Its status.", "Status"),
                        "404": _problem("No item of this token."),
                        **always,
                    },
                }
            },
            "/api/v1/openapi.json": {
                "get": {
                    "operationId": "document",
                    "summary": "This document.",
                    "security": [],
                    "responses": {"200": {"description": "OpenAPI 3.1", "content": {"application/json": {}}}},
                }
            },
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Item": _item(),
                "Added": {
                    "type": "object", "required": ["items"], "additionalProperties": False,
                    "properties": {"items": {"type": "array", "items": {
                        "type": "object", "required": ["item", "status"], "additionalProperties": False,
                        "properties": {"item": {"type": "integer"},
                                       "status": {"type": "string", "enum": ["created", "repeated"]}},
                    }}},
                },
                "Status": {
                    "type": "object", "required": ["item", "status", "received_at"], "additionalProperties": False,
                    "properties": {
                        "item": {"type": "integer"},
                        "status": {"type": "string", "enum": sorted(set(STATES.values()))},
                        "received_at": {"type": "string", "format": "date-time"},
                    },
                },
                "Problem": {
                    "type": "object", "required": ["type", "title", "status"],
                    "properties": {
                        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "errors": {"type": "array", "items": {
                            "type": "object", "required": ["pointer", "field", "detail"], "additionalProperties": False,
                            "properties": {"pointer": {"type": "string"}, "field": {"type": "string"},
                                           "detail": {"type": "string"}},
                        }},
                    },
                },
            },
        },
    }  # fmt: skip
