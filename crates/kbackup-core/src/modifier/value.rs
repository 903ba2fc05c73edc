//! Values that are written as text.

use serde_json::Value;

/// The value that a text stands for: `null`, `true`, `false`, a number, and what begins with `{` or `[` are JSON; all else
/// is a string, and so is what stands in double quotes.
///
/// # Errors
/// Where the text begins as an object or an array and is none.
pub(super) fn read(text: &str) -> Result<Value, String> {
    if let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Ok(serde_json::from_str(text).unwrap_or_else(|_| inner.into()));
    }
    if text.starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|error| format!("it begins as JSON and is not ({error})"));
    }
    // A text that reads as a bare JSON value can only be null, a boolean or a number here.
    Ok(serde_json::from_str(text).unwrap_or_else(|_| text.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_becomes_what_it_looks_like() {
        for (text, expect) in [
            ("", json!("")),
            ("web", json!("web")),
            ("null", json!(null)),
            ("true", json!(true)),
            ("True", json!("True")),
            ("0", json!(0)),
            ("-1.5", json!(-1.5)),
            ("1e3", json!(1000.0)),
            ("0x10", json!("0x10")),
            ("NaN", json!("NaN")),
            ("1Gi", json!("1Gi")),
            (r#""80""#, json!("80")),
            (r#""true""#, json!("true")),
            (r#""a"b""#, json!(r#"a"b"#)),
            ("{}", json!({})),
            (r#"[{"name": "a"}]"#, json!([{"name": "a"}])),
        ] {
            assert_eq!(read(text), Ok(expect), "{text:?}");
        }
        for text in ["{", "[1", "{a: 1}"] {
            assert!(read(text).expect_err(text).contains("begins as JSON"), "{text}");
        }
    }
}
