//! Reading the JSON of Go programs.

use serde::{Deserialize, Deserializer};

/// A field that Go writes as `null` where it is empty: with `#[serde(default, deserialize_with = "null_is_empty")]`.
pub(crate) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct List {
        #[serde(default, deserialize_with = "null_is_empty")]
        items: Vec<u32>,
    }

    #[test]
    fn nothing_is_written_in_three_ways() {
        let check = |json: &str, items: &[u32]| {
            let list: List = serde_json::from_str(json).expect("a list");
            assert_eq!(list.items, items, "{json}");
        };
        check("{}", &[]);
        check(r#"{"items":null}"#, &[]);
        check(r#"{"items":[]}"#, &[]);
        check(r#"{"items":[1]}"#, &[1]);
    }
}
