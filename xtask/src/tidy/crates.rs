//! Which crates of the workspace may depend on which (ARCHITECTURE.md): all arrows point down.

use super::finding::Finding;

const RULE: &str = "crates";

/// A crate, and the crates of the workspace that it may depend on. Tests, examples and benches are users and may know all.
const MAY_USE: [(&str, &[&str]); 6] = [
    ("kbackup-core", &[]),
    ("kbackup-kube", &["kbackup-core"]),
    ("kbackup-providers", &["kbackup-core"]),
    ("kbackup-sandbox", &["kbackup-core"]),
    ("kbackup-cli", &["kbackup-core", "kbackup-kube", "kbackup-providers", "kbackup-sandbox"]),
    ("kbackup-operator", &["kbackup-core", "kbackup-kube", "kbackup-providers"]),
];

/// The dependencies of a manifest, given by path and text, that point the wrong way.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let Some(name) = path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml")) else {
        return Vec::new();
    };
    let finding = |line, message| Finding { file: path.to_owned(), line, rule: RULE, message };
    let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == name) else {
        let message = format!("`{name}` is unknown: say in MAY_USE of xtask/src/tidy/crates.rs what it may use");
        return vec![finding(1, message)];
    };
    let mut findings: Vec<Finding> = dependencies(text)
        .filter(|(_, used)| !allowed.contains(used))
        .map(|(line, used)| {
            finding(line, format!("`{name}` must not know `{used}`: go through a port of kbackup-core"))
        })
        .collect();
    if !text.contains("[lints]\nworkspace = true") {
        findings.push(finding(
            1,
            "the workspace's lints are not in force: add `[lints]` with `workspace = true`".to_owned(),
        ));
    }
    findings
}

/// The crates of this workspace among the dependencies that are not for tests only, with their lines.
fn dependencies(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            return table_dependency(section).map(|name| (index + 1, name));
        }
        let counts = section.ends_with("dependencies") && !section.ends_with("dev-dependencies");
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        (counts && name.starts_with("kbackup-")).then_some((index + 1, name))
    })
}

/// The name in `[dependencies.name]`.
fn table_dependency(section: &str) -> Option<&str> {
    let (table, name) = section.rsplit_once('.')?;
    (table.ends_with("dependencies") && !table.ends_with("dev-dependencies") && name.starts_with("kbackup-"))
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn arrows_point_down() {
        let cases = [
            ("kbackup-kube", "[dependencies]\nkbackup-core.workspace = true\n", None),
            ("kbackup-kube", "[dependencies]\nkbackup-sandbox.workspace = true\n", Some(2)),
            ("kbackup-kube", "[dev-dependencies]\nkbackup-sandbox.workspace = true\n", None),
            ("kbackup-core", "[dependencies]\nserde = \"1\"\n[dependencies.kbackup-kube]\npath = \"x\"\n", Some(3)),
            ("kbackup-core", "[target.'cfg(unix)'.dependencies]\nkbackup-cli = { path = \"x\" }\n", Some(2)),
            ("kbackup-new", "", Some(1)),
        ];
        for (name, text, expected) in cases {
            let found = check(&format!("crates/{name}/Cargo.toml"), &format!("{text}[lints]\nworkspace = true\n"));
            assert_eq!(found.first().map(|finding| finding.line), expected, "{name}: {text}");
        }
    }

    #[test]
    fn a_crate_has_the_lints_of_the_workspace() {
        assert_eq!(check("crates/kbackup-core/Cargo.toml", "[package]\n").len(), 1);
        assert_eq!(check("tests/e2e/Cargo.toml", "[package]\n"), []);
    }
}
