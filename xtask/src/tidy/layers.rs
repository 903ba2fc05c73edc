//! A module of kbackup-core imports its own layer and lower ones, without cycles, and the processes of layer 4 never
//! import each other (ARCHITECTURE.md).

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::lexer::is_name;
use super::source::Source;

const RULE: &str = "layers";
const ROOT: &str = "crates/kbackup-core/src/";

/// The layers from below, each with its modules.
const LAYERS: [&[&str]; 6] = [
    &["model", "clock"],
    &["issue", "spec", "report", "event", "limits", "run", "patch", "modifier", "crypt"],
    &["store", "cluster", "snapshot"],
    &["filter", "action", "hook", "volume", "format", "compare"],
    &["backup", "restore", "catalog"],
    &["engine", "scheduler"],
];

/// The layer whose modules don't know each other.
const APART: usize = 4;

/// Test suites that may use every layer below the engines, and that no production code uses.
const FREE: &str = "conformance";

/// The imports of one module that break the rule, and the cycles among the modules of a layer.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let imports: Vec<Import> = sources.iter().flat_map(imports).collect();
    let mut findings: Vec<Finding> = imports.iter().filter_map(Import::verdict).collect();
    findings.extend(cycles(&imports));
    findings
}

/// One module's use of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Import {
    from: String,
    to: String,
    file: String,
    line: usize,
}

impl Import {
    fn verdict(&self) -> Option<Finding> {
        let (from, to) = (&self.from, &self.to);
        if from == FREE {
            return None;
        }
        let message = match (layer(from), layer(to)) {
            _ if to == FREE => {
                format!("`{from}` uses the conformance suites, which are for tests: move this into a test")
            }
            (None, _) => format!("`{from}` has no layer: add it to LAYERS in xtask/src/tidy/layers.rs and to lib.rs"),
            (Some(_), None) => {
                format!("`{to}` has no layer: add it to LAYERS in xtask/src/tidy/layers.rs and to lib.rs")
            }
            (Some(a), Some(b)) if b > a => format!(
                "`{from}` (layer {a}) imports `{to}` (layer {b}): pass what it needs as an argument, or move it down"
            ),
            (Some(APART), Some(APART)) => {
                format!("`{from}` imports `{to}`, another process: move what both need into layer {}", APART - 1)
            }
            _ => return None,
        };
        Some(self.finding(message))
    }

    fn finding(&self, message: String) -> Finding {
        Finding { file: self.file.clone(), line: self.line, rule: RULE, message }
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// What the production code of a file imports from other modules of the crate.
fn imports(source: &Source) -> Vec<Import> {
    let Some(inside) = source.path.strip_prefix(ROOT) else { return Vec::new() };
    let module: Vec<&str> = inside.trim_end_matches(".rs").trim_end_matches("/mod").split('/').collect();
    if module == ["lib"] {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, to) in paths_to_root(source, module.len()) {
        if to != module[0] {
            found.push(Import { from: module[0].to_owned(), to, file: source.path.clone(), line: number });
        }
    }
    found
}

/// The modules that are named after `crate::`, or after enough `super::` to reach the root from a module `depth` below
/// it, with the lines.
fn paths_to_root(source: &Source, depth: usize) -> Vec<(usize, String)> {
    let (numbers, lines): (Vec<usize>, Vec<&str>) =
        source.production().map(|(number, line)| (number, line.code.as_str())).unzip();
    let code = lines.join("\n");
    let mut found = Vec::new();
    for prefix in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in code.match_indices(&prefix) {
            let (before, tail) = (&code[..at], &code[at + prefix.len()..]);
            if before.ends_with(|c: char| is_name(c) || c == ':' || c == '$') {
                continue;
            }
            let names = if tail.starts_with('{') { group_heads(tail) } else { vec![name(tail)] };
            let line = numbers[before.matches('\n').count()];
            found.extend(names.into_iter().filter(|name| is_module(name)).map(|name| (line, name)));
        }
    }
    found
}

/// Modules are in lower case; types and macros that the root exports are not modules.
fn is_module(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
}

fn name(text: &str) -> String {
    text.trim_start().chars().take_while(|c| is_name(*c)).collect()
}

/// The first name of each entry of a brace group: `{a::{b, c}, d}` gives `a` and `d`.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut entry) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.push(name(&std::mem::take(&mut entry))),
            _ if depth == 1 => entry.push(c),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads.push(name(&entry));
    heads
}

/// For each import that closes a cycle of modules: a finding.
fn cycles(imports: &[Import]) -> Vec<Finding> {
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in imports.iter().filter(|import| import.from != FREE && layer(&import.from) == layer(&import.to)) {
        graph.entry(&import.from).or_default().insert(&import.to);
    }
    let closes = |import: &&Import| {
        layer(&import.from) == layer(&import.to) && import.from != FREE && reaches(&graph, &import.to, &import.from)
    };
    let finding = |import: &Import| {
        let (from, to) = (&import.from, &import.to);
        import.finding(format!("`{from}` and `{to}` import each other: move what both need into a lower module"))
    };
    imports.iter().filter(closes).map(finding).collect()
}

fn reaches(graph: &BTreeMap<&str, BTreeSet<&str>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        if module == to {
            return true;
        }
        if seen.insert(module) {
            open.extend(graph.get(module).into_iter().flatten());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::check;

    #[test]
    fn a_module_imports_its_own_layer_and_lower_ones() {
        let cases: [(&str, &str, &[&str]); 12] = [
            ("format/index.rs", "use crate::model::Gvr;", &[]),
            ("model/object.rs", "use super::Gvk;\nuse super::super::model::Gvr;", &[]),
            ("model/object.rs", "use crate::store::Key;", &["`model` (layer 0) imports `store` (layer 2)"]),
            ("model/object.rs", "use super::super::store::Key;", &["`model` (layer 0) imports `store` (layer 2)"]),
            ("clock.rs", "use super::issue::Issue;", &["`clock` (layer 0) imports `issue` (layer 1)"]),
            ("model/mod.rs", "use crate::{\n    clock::Clock,\n    engine::{Run, Engine},\n};", &["`engine`"]),
            ("restore/apply.rs", "fn a() -> crate::backup::X {}", &["`restore` imports `backup`, another process"]),
            ("backup/run.rs", "// crate::restore\nlet a = \"crate::restore\";", &[]),
            ("backup/run.rs", "#[cfg(test)]\nmod tests {\n    use crate::engine::Engine;\n}", &[]),
            ("strange.rs", "use crate::model::Gvr;", &["`strange` has no layer"]),
            ("store/x.rs", "use crate::conformance::store;", &["are for tests"]),
            ("conformance/store.rs", "use crate::format::Layout;", &[]),
        ];
        for (file, text, expected) in cases {
            let found = check(&[Source::new(&format!("crates/kbackup-core/src/{file}"), text)]);
            assert_eq!(found.len(), expected.len(), "{file}: {text}: {found:?}");
            for (finding, part) in found.iter().zip(expected) {
                assert!(finding.message.contains(part), "{finding}");
            }
        }
    }

    #[test]
    fn modules_of_one_layer_do_not_import_each_other() {
        let source = |file: &str, text: &str| Source::new(&format!("crates/kbackup-core/src/{file}"), text);
        let one_way = [source("report.rs", "use crate::issue::Issue;"), source("issue.rs", "")];
        assert_eq!(check(&one_way), []);
        let round = [
            source("report.rs", "use crate::issue::Issue;"),
            source("issue.rs", "use crate::spec::Spec;"),
            source("spec/mod.rs", "\nuse crate::report::Report;"),
        ];
        let found = check(&round);
        assert_eq!(found.len(), 3);
        assert_eq!((found[2].file.as_str(), found[2].line), ("crates/kbackup-core/src/spec/mod.rs", 2));
    }

    #[test]
    fn a_crate_outside_of_core_has_no_layers() {
        assert_eq!(check(&[Source::new("crates/kbackup-cli/src/main.rs", "use crate::anything::At;")]), []);
    }
}
