//! How a file begins, and what a folder's `mod.rs` holds.

use super::finding::Finding;
use super::source::Source;

/// A file of production code that does not say what it is for, and a `mod.rs` with code in it.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let finding =
        |line, rule, message: &str| Finding { file: source.path.clone(), line, rule, message: message.to_owned() };
    let mut findings = Vec::new();
    let production = source.production().next().is_some() || source.lines.is_empty();
    if production && !source.lines.first().is_some_and(|line| line.text.starts_with("//! ")) {
        findings.push(finding(1, "purpose", "begin the file with a `//!` sentence that says what it is for"));
    }
    if source.path.ends_with("/mod.rs")
        && let Some((number, _)) = source.production().find(|(_, line)| declares(&line.code))
    {
        findings.push(finding(
            number,
            "mod",
            "a `mod.rs` holds docs and re-exports only: move this into a file with a name",
        ));
    }
    findings
}

fn declares(code: &str) -> bool {
    let code = code.trim_start();
    let code = code.strip_prefix("pub ").or_else(|| code.strip_prefix("pub(crate) ")).unwrap_or(code);
    ["fn ", "async fn ", "struct ", "enum ", "trait ", "impl ", "impl<", "const ", "static ", "type ", "macro_rules!"]
        .iter()
        .any(|word| code.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::check;

    #[test]
    fn files_begin_with_their_purpose_and_mod_files_hold_no_code() {
        for (path, text, expected) in [
            ("a.rs", "//! Does this.\nfn a() {}", &[][..]),
            ("a.rs", "fn a() {}", &["purpose"]),
            ("a.rs", "", &["purpose"]),
            ("a/tests.rs", "use super::*;", &[]),
            ("a/mod.rs", "//! Does this.\n\nmod b;\npub use b::{C, D};\n", &[]),
            ("a/mod.rs", "//! Does this.\nmod b;\npub(crate) fn c() {}\n", &["mod"]),
            ("a/mod.rs", "//! Does this.\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n", &[]),
        ] {
            let found: Vec<_> = check(&Source::new(path, text)).iter().map(|finding| finding.rule).collect();
            assert_eq!(found, expected, "{path}: {text}");
        }
    }
}
