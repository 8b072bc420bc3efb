"""Route templates."""

import pytest

from local.host.routes import RouteError, compile_route, ordered


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("a/b", "A/b", {}),
        ("a/b", "a/b/", {}),
        ("a/{x}", "a/one%20two", {"x": "one two"}),
        ("a/{x}", "a/b/c", None),
        ("a/{x?}", "a", {}),
        ("a/{x?}", "a/b", {"x": "b"}),
        ("a/{x:int?}", "a/b", None),
        ("a/{x:int}", "a/-12", {"x": "-12"}),
        ("a/{x:int:maxlength(2)}", "a/123", None),
        ("a/{x:int:maxlength(3)}", "a/123", {"x": "123"}),
        ("a/{x:guid}", "a/6f9619ff-8b86-d011-b42d-00cf4fc964ff", {"x": "6f9619ff-8b86-d011-b42d-00cf4fc964ff"}),
        ("a/{x:bool}/b", "a/True/b", {"x": "True"}),
        ("a/{x:length(3)}", "a/abcd", None),
        ("a/{x:minlength(3)}", "a/abcd", {"x": "abcd"}),
        ("a/{name}.{ext:alpha}", "a/file.txt", {"name": "file", "ext": "txt"}),
        ("{*path}", "", {}),
        ("{*path}", "a/b", {"path": "a/b"}),
        ("a.b", "aXb", None),
    ],
)
def test_match(template, path, values):
    assert compile_route(template).match(path) == values


@pytest.mark.parametrize("template", ["a/{x", "a/{x:unheardof}", "a/x}"])
def test_a_template_that_cannot_be_read_is_refused(template):
    with pytest.raises(RouteError):
        compile_route(template)


def test_the_most_particular_route_comes_first():
    templates = ["{*rest}", "a/{x}", "a/{x:int}", "a/b"]
    assert [route.template for route in ordered(map(compile_route, templates))] == templates[::-1]
