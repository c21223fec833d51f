"""Replies whose templates are filled with facts of the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mockserver.scripting.stubs.templates import (
    TemplateFailed,
    check_reply_template,
    check_template,
    render_reply,
)

CONTEXT = {
    "count": 2,
    "duration": 1.5,
    "file": "meeting.wav",
    "headers": {"x-trace": "7"},
    "heard": "My order 42 isn't here.",
    "language": None,
    "model": "whisper-1",
    "now": 1_800_000_000.0,
    "request": {"messages": [{"role": "user", "content": "Grüße <b>"}]},
    "user_text": "What is the weather in Paris?",
}


def render(template: str, context: Mapping[str, Any]) -> Any:
    """Return the text of a reply with this template."""
    return render_reply({"say": template, "template": True}, context)["say"]


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("You said: {{ heard }}", "You said: My order 42 isn't here."),
        ("{{ request.messages[0].content }}", "Grüße <b>"),
        ("{{ headers['x-trace'] }} of {{ file }}", "7 of meeting.wav"),
        ("{% if count > 1 %}Again: {% endif %}{{ model }}", "Again: whisper-1"),
        ("{{ language }}", ""),
        ("{{ '%s' }} ends with a line\n", "%s ends with a line\n"),
        ("No braces, no template.", "No braces, no template."),
    ],
    ids=lambda text: text[:20],
)
def test_a_template_knows_the_request(template: str, rendered: str) -> None:
    assert render(template, CONTEXT) == rendered


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("{{ heard | search('order (\\\\d+)') }}", "42"),
        ("{{ user_text | search('weather') }}", "weather"),
        ("{{ user_text | search('snow') }}", ""),
        ("{{ heard | words | length }} {{ (heard | words)[3] }}", "5 isn't"),
        ("{{ request.messages[0] | json }}", '{"role": "user", "content": "Grüße <b>"}'),
        ("{{ count | tojson }}", "2"),
        ("{{ now | date }}", "2027-01-15"),
        ("{{ now | date('%H:%M') }}", "08:00"),
    ],
    ids=lambda text: text[:20],
)
def test_filters_take_texts_apart(template: str, rendered: str) -> None:
    assert render(template, CONTEXT) == rendered


class Counted(Mapping[str, Any]):
    """A mapping that counts its look-ups."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.asked.append(name)
        return CONTEXT[name]

    def __iter__(self) -> Iterator[str]:
        return iter(CONTEXT)

    def __len__(self) -> int:
        return len(CONTEXT)


def test_only_what_a_template_names_is_found_out() -> None:
    context = Counted()
    render("{{ model }} {{ model }}", context)
    assert context.asked == ["model"]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ request.input }}", "has no attribute 'input'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ heard | search('(') }}", "unterminated subpattern"),
        ("{{ now | date(7) }}", "must be str"),
        ("{{ request | json(indent=request) }}", "can't multiply"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ request.messages.append(1) }}", "unsafe"),
        ("{{ 'x' * 10 }}", "* takes numbers"),
        ("{{ '%9999999d' % 1 }}", "% takes numbers"),
        ("{{ 9 ** 999 }}", "exponents up to 64"),
        ("{{ 'x'.ljust(10) }}", "unsafe"),
        ("{% for i in range(99999) %}{{ 'a long line' }}{% endfor %}", "more than 1048576 characters"),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "recursion"),
    ],
)
def test_what_fails_is_named_with_the_reason(template: str, reason: str) -> None:
    with pytest.raises(TemplateFailed) as failure:
        render(template, CONTEXT)
    assert str(failure.value).startswith("say: template ")
    assert template[:30] in str(failure.value)
    assert reason in str(failure.value)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
            "1048576",
        ),
        (
            "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
            "1048576",
        ),
        (
            "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
            "1048576",
        ),
        (
            "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}",
            "1048576",
        ),
        (
            "{% set n = namespace(x=1) %}{% for i in range(9999) %}{% set n.x = n.x + n.x %}{% endfor %}",
            "4096 bits",
        ),
        ("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", "500,000 steps"),
        (
            "{% macro a(n) %}{% if n %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}{% endmacro %}{{ a(60) }}",
            "steps",
        ),
        (
            "{% set x %}{% for i in range(99999) %}" + "text" * 99 + "{% endfor %}{% endset %}",
            "500,000 steps",
        ),
        ("{% for i in range(9999) %}{{ large == large ~ '' }}{% endfor %}", "500,000 steps"),
        ("{% for i in range(9999) %}{{ large | wordcount }}{% endfor %}", "500,000 steps"),
        ("{% for i in range(9999) %}{{ large is in [large | lower] }}{% endfor %}", "500,000 steps"),
        ("{{ range(99999) | join(large) }}", "more than 1048576 characters"),
        ("{{ large.join(range(99999)) }}", "more than 1048576 characters"),
        ("{{ large | replace('x', large) }}", "more than 1048576 characters"),
        ("{{ large.replace('', large) }}", "more than 1048576 characters"),
        ("{{ [large, large] | json }}", "more than 1048576 characters"),
        ("{{ [large, large] | string }}", "more than 1048576 characters"),
        ("{{ [1] | batch(99999999, 'x') | list }}", "99999999 is more than 10000"),
        ("{{ [1] | slice(99999999) | list }}", "99999999 is more than 10000"),
        ("{{ 5 | round(-99999999) }}", "-99999999 is more than 10000"),
        ("{{ [1] | json(2000000000) }}", "indent must be a number from 0 to 16"),
        ("{{ count.to_bytes(9999999999, 'big') }}", "unsafe"),
        ("{{ '{:>999999999}'.format(1) }}", "unsafe"),
        ("{{ large.strip(large) }}", "more than 200"),
        ("{{ now | date(large) }}", "longer than 200 characters"),
        ("{{ heard | search('(a)\\\\1') }}", "references to groups"),
        ("{{ namespace(a=1) }}", "a namespace cannot be written"),
    ],
)
def test_no_template_takes_more_time_or_memory_than_a_reply_can_need(template: str, reason: str) -> None:
    with pytest.raises(TemplateFailed) as failure:
        render(template, CONTEXT | {"large": "x" * 900_000})
    assert reason in str(failure.value)


@pytest.mark.parametrize("template", ["{{ 10 ** 9999999 }}", "{{ 'x' * 99999999999 }}", "{{ 1 / 0 }}"])
def test_checking_a_template_does_not_evaluate_its_expressions(template: str) -> None:
    check_template(template)
    with pytest.raises(TemplateFailed):
        render(template, CONTEXT)


@pytest.mark.parametrize("name", ["random", "pprint", "urlize", "center", "striptags", "wordwrap", "xmlattr"])
def test_filters_that_cannot_be_bounded_or_repeated_are_not_known(name: str) -> None:
    with pytest.raises(TemplateFailed, match="No filter named"):
        check_template(f"{{{{ heard | {name} }}}}")


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        (
            "{% for a, b in {'x': 1}.items() %}{{ a }}{{ b }}{{ loop.last }}{{ loop.length }}{% endfor %}",
            "x1True1",
        ),
        ("{% for i in range(3) if i is odd %}{{ loop.cycle('a', 'b') }}{{ i }}{% else %}-{% endfor %}", "a1"),
        ("{% for x in [[1], [2, 3]] recursive %}{{ loop(x) if x is iterable else x }}{% endfor %}", "123"),
        (
            "{{ [3, 1, 2] | sort | join(',') }} {{ {'b': 1, 'a': 2} | dictsort }}",
            "1,2,3 [('a', 2), ('b', 1)]",
        ),
        (
            "{{ 'a' ~ 1 ~ [2] }} {{ 'abc'[1:] }} {{ [1, 2, 3][::2] }} {{ [1] + [2] }}",
            "a1[2] bc [1, 3] [1, 2]",
        ),
        ("{{ request.messages | map(attribute='role') | first }} {{ 'a,b'.split(',') | last }}", "user b"),
        ("{{ 'Hello' | lower | replace('l', 'L') | title }} {{ 3.7 | round | int }}", "Hello 4"),
        ("{% macro hi(who) %}Hi {{ who }}{% endmacro %}{{ hi('Ann') | upper }}", "HI ANN"),
        ("{% set x %}{{ count }} times{% endset %}{{ x | length }} {{ [1, 2.5] | sum }}", "7 3.5"),
        ("{{ 1 if 1 in (1, 2) and not count > 2 else 2 }} {{ '%' }} {{ 7 % 4 }} {{ -count }}", "1 % 3 -2"),
    ],
    ids=lambda text: text[:20],
)
def test_what_jinja_can_do_stays_as_it_is(template: str, rendered: str) -> None:
    check_template(template)
    assert render(template, CONTEXT) == rendered


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ herd }}", "unknown variable 'herd'. Did you mean 'heard'?"),
        ("{{ heard", "line 1: "),
        ("one\n{% if %}", "line 2: "),
        ("{{ heard | upside_down }}", "No filter named 'upside_down'"),
        ("{% include '/etc/passwd' %}", "cannot read files"),
        ("{% import 'macros' as m %}", "cannot read files"),
        ("{% extends 'base' %}", "cannot read files"),
        ("{% autoescape true %}{% endautoescape %}", "autoescape is not supported"),
        ("{% for a in heard %}" * 21 + "{% endfor %}" * 21, "too many statically nested blocks"),
        ("{{ " + "(" * 5_000 + ")" * 5_000 + " }}", "nested too deeply"),
        ("{{ " + "9" * 5_000 + " }}", "Exceeds the limit"),
        ("x" * (1 << 16) + "y", "longer than 65536 characters"),
    ],
    ids=lambda text: text[:20],
)
def test_what_can_never_be_rendered_is_found_beforehand(template: str, reason: str) -> None:
    with pytest.raises(TemplateFailed) as failure:
        check_template(template)
    assert reason in str(failure.value)


def test_variables_that_a_template_sets_are_known() -> None:
    template = "{% set who = 'you' %}{% for i in range(3) %}{{ who }}{{ i }}{{ loop.index }} {% endfor %}"
    check_template(template)
    assert render(template, CONTEXT) == "you01 you12 you23 "


REPLY = {
    "template": True,
    "text": "{{ count }}",
    "say": "{{ count }}",
    "segments": [{"text": "{{ count }}", "speaker": "{{ count }}"}],
    "tool_calls": [{"name": "order", "arguments": {"number": "{{ count }}", "amount": 1}}, {"name": "stop"}],
    "json": {"a": ["{{ count }}", None, {"{{ count }}": "{{ count }}"}]},
    "body": "{{ count }}",
    "headers": {"x-count": "{{ count }}"},
    "error": {"name": "server_error", "message": "{{ count }}"},
    "content_type": "{{ count }}",
}


def test_the_texts_of_a_reply_are_filled_in_and_no_others() -> None:
    assert render_reply(REPLY, CONTEXT) == {
        "template": True,
        "text": "2",
        "say": "2",
        "segments": [{"text": "2", "speaker": "{{ count }}"}],
        "tool_calls": [{"name": "order", "arguments": {"number": "2", "amount": 1}}, {"name": "stop"}],
        "json": {"a": ["2", None, {"{{ count }}": "2"}]},
        "body": "2",
        "headers": {"x-count": "2"},
        "error": {"name": "server_error", "message": "2"},
        "content_type": "{{ count }}",
    }


@pytest.mark.parametrize("reply", [{"text": "{{ count }}"}, {"text": "{{ count }}", "template": False}])
def test_a_reply_without_templates_stays_as_it_is(reply: dict[str, Any]) -> None:
    assert render_reply(reply, CONTEXT) == reply


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ({"text": "{{ x }}"}, "text: template"),
        ({"segments": [{"text": "a"}, {"text": "{{ x }}"}]}, "segments[1].text: template"),
        (
            {"tool_calls": [{"name": "a", "arguments": {"b": ["{{ x }}"]}}]},
            "tool_calls[0].arguments.b[0]: template",
        ),
        ({"error": {"name": "server_error", "message": "{{ x }}"}}, "error.message: template"),
        ({"error": "server_error", "headers": {"x-a": "{{ x }}"}}, "headers.x-a: template"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_a_failure_names_the_member_of_the_reply(reply: dict[str, Any], place: str) -> None:
    with pytest.raises(TemplateFailed, match="^" + place.replace("[", r"\[")):
        check_reply_template(reply)
    with pytest.raises(TemplateFailed, match="^" + place.replace("[", r"\[")):
        render_reply(reply | {"template": True}, CONTEXT)
