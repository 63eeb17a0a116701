"""What a job's document chooses, leaves out and renames, and every way in which it can make no sense."""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from typing import Any

import pytest

from udup.base.errors import Refused, Unsupported
from udup.jobs import parse_job
from udup.pipeline.selection.kept import kept_selection, selection_of
from udup.pipeline.selection.patterns import compiled, expand, pattern_problem, template_problem
from udup.pipeline.selection.renames import Renaming, problems_of
from udup.pipeline.selection.selection import NameRule, Place, SchemaRule, Selection
from udup.pipeline.selection.sqlfilter import SqlFilter

Json = dict[str, Any]

CONFIG = "Tasks[0].Config."


def _document(source: Json, target: Json | None = None) -> Json:
    servers = [{"ConnectionConfig": {"Host": host, "Port": 3306, "User": "u"}} for host in ("a", "b")]
    tasks = [{"Type": "Src", "Config": servers[0] | source}, {"Type": "Dest", "Config": servers[1] | (target or {})}]
    return {"Name": "n", "Tasks": tasks}


def _selection(*do: Json, ignore: tuple[Json, ...] = ()) -> Selection:
    return parse_job(_document({"ReplicateDoDb": list(do), "ReplicateIgnoreDb": list(ignore)})).selection()


def _faults(**source: Any) -> dict[str, str]:
    with pytest.raises(Refused) as caught:
        parse_job(_document(source))
    return {fault.where.removeprefix(CONFIG): fault.problem for fault in caught.value.faults}


def _schema(name: str, *tables: str, **more: str) -> Json:
    return {"TableSchema": name, "Tables": [{"TableName": each} for each in tables], **more}


def test_exact_names_choose_schemas_and_tables() -> None:
    selection = _selection(_schema("a"), _schema("b", "t", "u"), _schema("b", "v"))
    assert [selection.wants(*each) for each in (("a", "x"), ("b", "t"), ("b", "v"), ("b", "w"), ("c", "t"))] == [
        True, True, True, False, False
    ]  # fmt: skip
    assert selection.wants_whole_schema("a") and selection.wants_stored("a") and selection.wants_schema("b")
    assert not selection.wants_whole_schema("b") and not selection.wants_stored("b") and not selection.is_open


def test_the_whole_server_is_everything_but_what_is_the_servers_and_udups() -> None:
    for selection in (_selection(), _selection({"TableSchemaRegex": ".*"}), _selection(ignore=(_schema("other"),))):
        wanted = [selection.wants(schema, "t") for schema in ("a", "mysql", "sys", "UDUP", "information_schema")]
        assert wanted == [True, False, False, False, False] and selection.is_open


def test_a_regular_expression_matches_anywhere_unless_it_is_anchored() -> None:
    loose, anchored = _selection({"TableSchemaRegex": "shop"}), _selection({"TableSchemaRegex": "^shop_\\d+$"})
    names = ("shop", "my_shop_1", "shop_1", "shop_1a", "SHOP_1")
    assert [loose.wants_schema(each) for each in names] == [True, True, True, True, False]
    assert [anchored.wants_schema(each) for each in names] == [False, False, True, False, False]
    tables = _selection({"TableSchema": "a", "Tables": [{"TableRegex": "^t_"}, {"TableName": "u"}]})
    assert [tables.wants("a", each) for each in ("t_1", "at_1", "u")] == [True, False, True]


def test_what_is_ignored_goes_before_what_is_chosen() -> None:
    selection = _selection(
        {"TableSchemaRegex": "^d"},
        ignore=(_schema("d2"), _schema("d3", "t"), {"TableSchemaRegex": "^d4", "Tables": [{"TableRegex": "^log"}]}),
    )
    wanted = [selection.wants(*each) for each in (("d1", "t"), ("d2", "t"), ("d3", "t"), ("d3", "u"), ("d4", "log_1"))]
    assert wanted == [True, False, False, True, False]
    assert not selection.wants_schema("d2") and selection.wants_schema("d3")
    assert selection.wants_stored("d3") and not selection.wants_whole_schema("d3")


def test_names_fold_as_the_source_folds_them() -> None:
    entry = {
        "TableSchema": "Shop",
        "TableSchemaRename": "New",
        "Tables": [{"TableRegex": "^T(.)", "TableRename": "N${1}"}],
    }
    exact = _selection(entry)
    folding = exact.folding(True)
    assert not exact.wants("shop", "t1") and folding.wants("shop", "t1")
    assert folding.renamed_table("shop", "t1") == ("new", "n1")
    assert exact.renamed_table("Shop", "T1") == ("New", "N1")
    assert folding.digest == exact.digest


def test_new_names_are_made_of_groups() -> None:
    selection = _selection(
        {
            "TableSchemaRegex": "^(\\w*)src(?P<n>\\d+)$",
            "TableSchemaRename": "${1}dst${n}",
            "Tables": [{"TableName": "plain"}, {"TableRegex": "^(\\w*)_v\\d$", "TableRename": "$$${1}"}],
        }
    )
    assert selection.renamed_schema("a_src12") == "a_dst12"
    assert selection.renamed_table("src1", "plain") == ("dst1", "plain")
    assert selection.renamed_table("src1", "t_v2") == ("dst1", "$t")
    assert selection.renamed_table("src1", "not_in_the_job") == ("src1", "not_in_the_job")
    assert selection.renamed_schema("elsewhere") == "elsewhere"
    whole = _selection(_schema("d", TableSchemaRename="e"), {"TableSchema": "d", "TableSchemaRename": "e",
                       "Tables": [{"TableName": "t", "TableRename": "new"}]})  # fmt: skip
    assert whole.renamed_table("d", "t") == ("e", "new") and whole.renamed_table("d", "u") == ("e", "u")


def test_what_is_named_for_certain_is_named_as_its_server_keeps_it() -> None:
    selection = _selection(
        _schema("Whole", TableSchemaRename="New"),
        {"TableSchema": "d", "Tables": [{"TableName": "T", "TableRename": "U"}, {"TableName": "v"}]},
        {"TableSchema": "e", "Tables": [{"TableName": "t"}, {"TableRegex": "^x"}]},
        {"TableSchemaRegex": "^f"},
    )
    source = [Place("Whole", "*", True), Place("d", "T", False), Place("d", "v", False), Place("e", "*", False)]
    assert list(selection.places()) == source and selection.is_open
    assert [str(each.table) for each in selection.places(renamed=True)] == ["*", "U", "v", "*"]
    assert next(selection.folding(True).places(renamed=True)) == Place("new", "*", True)


def test_the_digest_of_a_job_of_exact_names_is_what_it_always_was() -> None:
    def before(chosen: object) -> str:
        return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()

    assert _selection().digest == before(None)
    assert _selection(_schema("b", "t", "s"), _schema("a"), _schema("b", "u")).digest == before(
        [["a", []], ["b", ["s", "t", "u"]]]
    )
    others = [
        _selection({"TableSchemaRegex": "a"}),
        _selection(_schema("a")),
        _selection(_schema("a", TableSchemaRename="b")),
        _selection(_schema("a"), ignore=(_schema("a", "t"),)),
        _selection(_schema("a"), ignore=(_schema("a", "u"),)),
        _selection(ignore=(_schema("a"),)),
        _selection(),
    ]
    assert len({each.digest for each in others}) == len(others)
    assert pickle.loads(pickle.dumps(others[2])) == others[2]


def test_two_names_never_become_one() -> None:
    selection = _selection({"TableSchema": "d", "Tables": [{"TableRegex": "^(\\w+)_v\\d$", "TableRename": "${1}"}]})
    (problem,) = problems_of(selection, [("d", ""), ("d", "t_v1"), ("d", "u_v1"), ("d", "t_v2"), ("d", "other")])
    assert "d.t_v1 and d.t_v2 would both be d.t" in problem
    names = Renaming(selection, [("d", "t_v1")])
    names.enter("d", "t_v2")  # its rows may come from before t_v1 was made
    with pytest.raises(Unsupported, match=r"d\.t_v1 and d\.t_v3 would both be d\.t"):
        Renaming(selection, [("d", "t_v1")]).enter("d", "t_v3", made=True)
    with pytest.raises(Unsupported, match="both be"):
        names.enter("d", "t_v3")
    names.leave("d", "t_v2")
    names.leave("d", "t_v1")
    names.enter("d", "t_v3", made=True)
    names.leave("d")
    names.enter("d", "t_v4", made=True)


@pytest.mark.parametrize(
    ("rename", "name", "problem"),
    [
        ("my${1}", "dsql", "mysql on the target, which is not for"),
        ("${1}", "d", "empty name"),
        ("x${1}", "d" + "y" * 64, "64"),
    ],
)
def test_what_cannot_be_a_name_is_told_when_it_comes_up(rename: str, name: str, problem: str) -> None:
    selection = _selection({"TableSchemaRegex": "^d(.*)", "TableSchemaRename": rename})
    (told,) = problems_of(selection, [(name, "")])
    assert problem in told and "ReplicateDoDb" in told


ENTRY = {"TableSchema": "a"}
TABLE = "ReplicateDoDb[0].Tables[0]."


@pytest.mark.parametrize(
    ("entry", "path", "problem"),
    [
        ({"TableSchemaRegex": "a"} | ENTRY, "ReplicateDoDb[0].TableSchemaRegex", "given together with TableSchema"),
        ({"TableSchemaRegex": "a("}, "ReplicateDoDb[0].TableSchemaRegex", "at character 2"),
        ({"TableSchemaRegex": "(a+)+"}, "ReplicateDoDb[0].TableSchemaRegex", "could take years at character 5"),
        ({"TableSchemaRegex": "x" * 300}, "ReplicateDoDb[0].TableSchemaRegex", "longer than 256"),
        ({"TableSchemaRegex": "a", "TableSchemaRename": "b"}, "ReplicateDoDb[0].TableSchemaRename", "uses no group"),
        ({"TableSchemaRegex": "(a)", "TableSchemaRename": "${2}"}, "ReplicateDoDb[0].TableSchemaRename", "1 groups"),
        ({"TableSchemaRegex": "(a)", "TableSchemaRename": "$1"}, "ReplicateDoDb[0].TableSchemaRename", "write ${1}"),
        (ENTRY | {"TableSchemaRename": "${1}"}, "ReplicateDoDb[0].TableSchemaRename", "there is no TableSchemaRegex"),
        (ENTRY | {"TableSchemaRename": "MySQL"}, "ReplicateDoDb[0].TableSchemaRename", "not for replicated tables"),
        (ENTRY | {"TableSchemaRename": "udup"}, "ReplicateDoDb[0].TableSchemaRename", "not for replicated tables"),
        (ENTRY | {"TableSchemaRename": "b" * 65}, "ReplicateDoDb[0].TableSchemaRename", "64"),
        (ENTRY | {"Tables": [{"TableName": "t", "TableRegex": "t"}]}, TABLE + "TableRegex", "together with TableName"),
        (ENTRY | {"Tables": [{"TableRegex": "["}]}, TABLE + "TableRegex", "not a regular expression"),
        (ENTRY | {"Tables": [{"TableName": "t", "TableRename": "u "}]}, TABLE + "TableRename", "does not allow"),
        (ENTRY | {"Tables": [{}]}, TABLE + "TableName", "is required"),
        ({}, "ReplicateDoDb[0].TableSchema", "is required"),
        ({"TableSchema": ""}, "ReplicateDoDb[0].TableSchema", "must not be empty"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_told_by_its_path(entry: Json, path: str, problem: str) -> None:
    (fault,) = _faults(ReplicateDoDb=[entry]).items()
    assert fault[0] == path and problem in fault[1]


def test_rules_that_contradict_each_other_are_told() -> None:
    renamed = [{"TableName": "t", "TableRename": "u"}, {"TableName": "u"}, {"TableName": "t", "TableRename": "v"}]
    faults = _faults(
        ReplicateDoDb=[
            _schema("a", TableSchemaRename="b"),
            _schema("c", TableSchemaRename="b"),
            _schema("b"),
            _schema("a", TableSchemaRename="d"),
            {"TableSchema": "e", "Tables": renamed},
        ]
    )
    assert faults == {
        "ReplicateDoDb[1].TableSchemaRename": "a and c would both be b on the target",
        "ReplicateDoDb[2].TableSchema": "a and b would both be b on the target",
        "ReplicateDoDb[3].TableSchemaRename": "a has the new name b in an entry before",
        "ReplicateDoDb[4].Tables[1].TableName": "t and u would both be u on the target",
        "ReplicateDoDb[4].Tables[2].TableRename": "t has the new name u in an entry before",
    }
    ignore = [{"TableSchema": "a", "TableSchemaRename": "b", "Tables": [{"TableRename": "c", "TableRegex": "^c"}]}]
    assert set(_faults(ReplicateIgnoreDb=ignore)) == {
        "ReplicateIgnoreDb[0].TableSchemaRename", "ReplicateIgnoreDb[0].Tables[0].TableRename"
    }  # fmt: skip


def test_the_words_of_the_filter_are_known_in_any_case_and_belong_to_the_source() -> None:
    spec = parse_job(_document({"SqlFilter": ["nodmlDELETE", "NoDDLDropTable"]}))
    assert str(spec.sql_filter()) == "NoDMLDelete, NoDDLDropTable"
    with pytest.raises(Refused, match=r"SqlFilter\[1\].*NoDDLAlterTableAddColumn"):
        parse_job(_document({"SqlFilter": ["NoDML", "NoSuch"]}))
    with pytest.raises(Refused, match=r"Tasks\[1\]\.Config\.SqlFilter"):
        parse_job(_document({}, {"SqlFilter": ["NoDML"]}))


def test_the_filter_leaves_out_whole_statements_only() -> None:
    filtered = parse_job(_document({"SqlFilter": ["NoDDLAlterTableAddColumn", "NoDDLDropIndex"]})).sql_filter()
    assert filtered.drops("ALTER TABLE", ("ADD COLUMN", "DROP INDEX", "")) and filtered.drops("DROP INDEX")
    assert not filtered.drops("ALTER TABLE", ("DROP COLUMN",)) and not filtered.drops("DROP TABLE")
    with pytest.raises(Unsupported, match="leaves ADD COLUMN out of a statement that does MODIFY COLUMN"):
        filtered.drops("ALTER TABLE", ("ADD COLUMN", "MODIFY COLUMN"))
    assert not SqlFilter() and not SqlFilter().drops("DROP DATABASE")


@pytest.mark.parametrize("pattern", ["\\w*a\\w*a\\w*a\\w*b$", "a?a?a?a?.*.*.*.*!", "^(a|b|ab)(.+)_(\\d{1,3})[^\\]a]$"])
def test_no_pattern_that_is_accepted_takes_long(pattern: str) -> None:
    assert pattern_problem(pattern) == ""
    began = time.process_time()
    assert compiled(pattern, False).search("a" * 64) is None
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "pattern",
    ["(a|b)*", "(a*)*", "((a?))+", "(a)\\1", "(?=a)b", "(?<!a)b", "(?P<x>a)(?P=x)", "a*a*a*a*a*", "a++", "[[:alpha:]]",
     "(?>a)", "(a|b)" * 7, "a?" * 5],
)  # fmt: skip
def test_patterns_that_could_take_years_or_mean_another_thing_elsewhere_are_refused(pattern: str) -> None:
    assert pattern_problem(pattern) != ""


def test_an_optional_group_may_be_empty() -> None:
    pattern, template = "^a(b)?(?i:C)$", "x${1}y"
    assert pattern_problem(pattern) == "" and template_problem(pattern, template) == ""
    matches = [compiled(pattern, False).search(name) for name in ("ac", "abC")]
    assert [expand(template, match) for match in matches if match] == ["xy", "xby"]


def test_triggers_follow_their_table_unless_its_columns_are_others() -> None:
    mapped, plain = NameRule("m", columns=(("a", "b"),)), NameRule("p")
    selection = Selection((SchemaRule("s", tables=(mapped, plain)),))
    assert selection.brings_triggers_of("s", "p")
    assert not selection.brings_triggers_of("s", "m") and not selection.brings_triggers_of("s", "other")
    assert Selection.of([("s", [])]).brings_triggers_of("s", "m")


NAMES = tuple((schema, table) for schema in ("a", "b", "udup", "mysql") for table in ("t", "u", "v"))


@pytest.mark.parametrize(
    "less",
    [
        Selection.of([("a", ["t"])]),
        Selection.of([("a", [])]),
        Selection((SchemaRule(regex="^a"),)),
        Selection((SchemaRule("a"),), (SchemaRule("a", tables=(NameRule("t"),)),)),
        Selection.of([("a", ["t"])]).without(Selection.of([("a", ["t"])])),
    ],
)
def test_a_selection_less_another_chooses_the_rest_and_both_together_are_the_whole(less: Selection) -> None:
    for whole in (Selection(), Selection.of([("a", []), ("b", ["t"])]), Selection((SchemaRule("a", rename="x"),))):
        rest, part = whole.without(less), whole.within(less)
        for name in NAMES:
            assert rest.wants(*name) == (whole.wants(*name) and not less.wants(*name))
            assert part.wants(*name) == (whole.wants(*name) and less.wants(*name))
            for one in (rest, part):
                assert one.renamed_table(*name) == (whole.renamed_table(*name) if one.wants(*name) else name)
        for schema in {schema for schema, _ in NAMES}:
            owners = [each for each in (rest, part) if each.wants_stored(schema)]
            assert len(owners) == whole.wants_stored(schema), "stored objects of a schema are in one of both"
            for each in (rest, part):
                assert each.wants_schema(schema) or not any(each.wants(*name) for name in NAMES if name[0] == schema)
                assert not each.wants_whole_schema(schema) or not any(
                    other.wants(*name)
                    for other in (rest, part)
                    if other is not each
                    for name in NAMES
                    if name[0] == schema
                )
        assert rest.digest != whole.digest and len({rest.digest, part.digest, whole.digest}) == 3
        assert pickle.loads(pickle.dumps(rest)) == rest
        again = selection_of(json.loads(json.dumps(kept_selection(rest))), folds=False)
        assert [again.wants(*name) for name in NAMES] == [rest.wants(*name) for name in NAMES]


def test_what_a_selection_lacks_folds_with_it_and_is_not_named_for_certain() -> None:
    rest = Selection.of([("S", ["T", "U"]), ("B", [])]).without(Selection.of([("S", ["T"]), ("B", [])]))
    assert not rest.wants("s", "u") and rest.folding(True).wants("s", "u") and not rest.folding(True).wants("s", "t")
    assert list(rest.places()) == [Place("S", "U", whole=False)]


def test_the_first_rule_that_matches_a_table_counts_whether_it_is_a_name_or_an_expression() -> None:
    tables = (NameRule("a", rename="first"), NameRule(regex="^[ab]$", rename="second"), NameRule("b"), NameRule("B"))
    for folds, wanted in ((False, ["first", "second", "B", "A"]), (True, ["first", "second", "second", "first"])):
        selection = Selection((SchemaRule("s", tables=tables),)).folding(folds)
        assert [selection.renamed_table("s", each)[1] for each in ("a", "b", "B", "A")] == wanted
        assert [selection.wants("s", each) for each in ("a", "b", "B", "A", "c")] == [True, True, True, folds, False]


def test_one_of_ten_thousand_tables_is_found_without_a_look_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"t{number}" for number in range(10_000)]
    selection = Selection.of([("s", names)])
    looks: list[str] = []
    real = NameRule.matches
    monkeypatch.setattr(NameRule, "matches", lambda self, name, folds: looks.append(name) or real(self, name, folds))
    assert selection.wants("s", "t9999") and not selection.wants("s", "u")
    assert selection.folding(True).wants("S", "T9999") and selection.renamed_table("s", "t77") == ("s", "t77")
    assert len(looks) < 20, "the schema's rule alone"
    size = len(pickle.dumps(Selection.of([("s", names)])))
    assert len(pickle.dumps(selection)) < size * 1.01, "what is looked up by does not travel"
