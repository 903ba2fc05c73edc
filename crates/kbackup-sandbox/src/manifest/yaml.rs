//! YAML as JSON values, the way Kubernetes reads it: by the rules of YAML 1.1, where `yes` is true and `0644` is octal.

use serde_json::Value;

/// The largest document, in nodes: a large CustomResourceDefinition has some ten thousand.
const NODES_MAX: usize = 1_000_000;

/// Parses one YAML document; nothing but comments is `null`.
///
/// # Errors
/// In one line, with the place of the error.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        legacy_octal_numbers: true,
        budget: serde_saphyr::budget! { max_nodes: NODES_MAX, max_events: 2 * NODES_MAX },
    };
    let values: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| one_line(&error))?;
    match <[Value; 1]>::try_from(values) {
        Ok([value]) => Ok(value),
        Err(values) if values.is_empty() => Ok(Value::Null),
        Err(values) => Err(format!("one document was expected, not {}", values.len())),
    }
}

fn one_line(error: &serde_saphyr::Error) -> String {
    error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Splits a text at its lines of `---`, as `kubectl` does: each document with the number of its first line.
pub(super) fn documents(text: &str) -> Vec<(usize, String)> {
    let mut documents = vec![(1, String::new())];
    for (number, line) in text.lines().enumerate() {
        let separator = line.strip_prefix("---").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '#']));
        match separator {
            // What follows the dashes on the same line belongs to the new document.
            Some(rest) => documents.push((number + 1, format!("{}\n", rest.trim_start()))),
            None => documents.last_mut().into_iter().for_each(|(_, document)| {
                document.push_str(line);
                document.push('\n');
            }),
        }
    }
    documents
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values() {
        for (text, expect) in [
            ("a: yes", json!({"a": true})),
            ("a: true", json!({"a": true})),
            ("a: \"true\"", json!({"a": "true"})),
            ("a: 0644", json!({"a": 420})),
            ("a: 1.5", json!({"a": 1.5})),
            ("a: 18446744073709551615", json!({"a": u64::MAX})),
            ("a: ~", json!({"a": null})),
            ("a:", json!({"a": null})),
            ("a: {b: [1, 2]}", json!({"a": {"b": [1, 2]}})),
            ("a: 2026-11-23", json!({"a": "2026-11-23"})),
            ("a: |\n  x\n  ---\n  y\n", json!({"a": "x\n---\ny\n"})),
            ("a: &x {b: 1}\nc: *x", json!({"a": {"b": 1}, "c": {"b": 1}})),
            ("# nothing", json!(null)),
        ] {
            assert_eq!(parse(text), Ok(expect), "{text}");
        }
    }

    #[test]
    fn errors_are_one_line() {
        for text in ["a: [1", "a: b: c", "a: 1\na: 2"] {
            let error = parse(text).expect_err(text);
            assert!(!error.contains('\n') && !error.is_empty(), "{error}");
        }
    }

    #[test]
    fn documents_begin_at_dashes() {
        let text = "# head\n---\na: 1\n--- # two\nb: 2\n---\n";
        let lines: Vec<_> = documents(text).into_iter().map(|(line, text)| (line, parse(&text))).collect();
        let expect = [(1, json!(null)), (2, json!({"a": 1})), (4, json!({"b": 2})), (6, json!(null))];
        assert_eq!(lines, expect.map(|(line, value)| (line, Ok(value))));
    }
}
