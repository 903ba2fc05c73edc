//! How long files and functions may be. What is longer has a stage that wants a name of its own.

use super::finding::Finding;
use super::source::{Source, item_end};

const RULE: &str = "size";

/// Lines of production code in a file.
const FILE_LINES_MAX: usize = 400;
/// Lines of an example: what a reader takes in at one look.
const EXAMPLE_LINES_MAX: usize = 80;
/// Lines of a function, from `fn` to the closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// The file, where it is too long, and its functions that are.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let finding = |line, message| Finding { file: source.path.clone(), line, rule: RULE, message };
    let mut findings = Vec::new();
    let lines_max = if source.path.starts_with("examples/") { EXAMPLE_LINES_MAX } else { FILE_LINES_MAX };
    let length = source.production().count();
    if length > lines_max {
        findings.push(finding(1, format!("{length} lines, at most {lines_max}: split it by reasons to change")));
    }
    for (number, name, length) in functions(source) {
        if length > FUNCTION_LINES_MAX {
            let advice = "give its stages functions of their own";
            findings
                .push(finding(number, format!("`{name}` has {length} lines, at most {FUNCTION_LINES_MAX}: {advice}")));
        }
    }
    findings
}

/// Each function of production code with a body: its line, its name and its length. Tests hold tables of any length.
fn functions(source: &Source) -> impl Iterator<Item = (usize, &str, usize)> {
    source.production().filter_map(|(number, line)| {
        let name = function_name(&line.code)?;
        Some((number, name, item_end(&source.lines, number - 1) + 2 - number))
    })
}

/// The name of the function whose declaration begins on this line.
fn function_name(code: &str) -> Option<&str> {
    let (before, after) = code.split_once("fn ")?;
    let modifier = |word: &str| {
        ["pub", "async", "const", "unsafe", "extern", "default"].contains(&word) || word.starts_with("pub(")
    };
    let name = after.split(|c: char| !super::lexer::is_name(c)).next().unwrap_or_default();
    (before.split_whitespace().all(modifier) && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::{check, function_name};

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        check(&Source::new(path, text)).into_iter().map(|finding| (finding.line, finding.message)).collect()
    }

    #[test]
    fn a_long_file_is_found_but_not_for_its_tests() {
        let production = "const A: u8 = 1;\n".repeat(400);
        assert_eq!(found("crates/x/src/a.rs", &production), []);
        assert_eq!(found("crates/x/src/a.rs", &format!("{production}//\n")).len(), 1);
        assert_eq!(found("crates/x/src/a.rs", &format!("{production}#[cfg(test)]\nmod tests {{\n}}\n")), []);
        assert_eq!(found("examples/a.rs", &production).len(), 1);
    }

    #[test]
    fn a_long_function_is_found() {
        let function = |lines: usize| {
            format!("impl A {{\n    pub async fn b(\n    ) {{\n{}    }}\n}}\n", "        c();\n".repeat(lines))
        };
        assert_eq!(found("a.rs", &function(67)), []);
        let long = found("a.rs", &function(68));
        assert_eq!(long[0].0, 2);
        assert!(long[0].1.starts_with("`b` has 71 lines"), "{}", long[0].1);
    }

    #[test]
    fn declarations_are_told_from_other_code() {
        for (code, expected) in [
            ("    pub(crate) async fn run<T>(", Some("run")),
            ("fn a() {}", Some("a")),
            ("let a: fn (u8) = b;", None),
            ("type A = Box<dyn Fn ()>;", None),
            ("f: impl fn x", None),
        ] {
            assert_eq!(function_name(code), expected, "{code}");
        }
    }
}
