//! What neither tests nor production code may do: wait blindly, be ignored, pretend to be finished.

use super::finding::Finding;
use super::source::Source;

const RULE: &str = "tests";

/// A word, whether it is only forbidden in test code, and what to do instead.
const FORBIDDEN: [(&str, bool, &str); 5] = [
    ("todo!", false, "finish it, or leave it out"),
    ("unimplemented!", false, "finish it, or return an error that says what is not supported"),
    ("#[ignore", false, "a test runs, or fails with what it lacks"),
    ("thread::sleep", false, "wait for the event itself, with a limit"),
    ("time::sleep", true, "wait for the event itself, with a limit, or pause tokio's clock"),
];

/// The places in a file where a forbidden word stands.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in source.numbered() {
        for (word, only_tests, advice) in FORBIDDEN {
            if line.code.contains(word) && (line.test || !only_tests) {
                let message = format!("`{word}` must not be here: {advice}");
                findings.push(Finding { file: source.path.clone(), line: number, rule: RULE, message });
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::check;

    #[test]
    fn forbidden_words_are_found_in_code_only() {
        for (text, expected) in [
            ("fn a() { todo!() }", 1),
            ("// todo!()\nlet a = \"todo!\";", 0),
            ("tokio::time::sleep(a).await;", 0),
            ("#[cfg(test)]\nmod tests {\n    tokio::time::sleep(a).await;\n}", 1),
            ("#[ignore = \"slow\"]\nfn a() {}", 1),
            ("std::thread::sleep(a);", 1),
        ] {
            assert_eq!(check(&Source::new("crates/x/src/a.rs", text)).len(), expected, "{text}");
        }
    }
}
