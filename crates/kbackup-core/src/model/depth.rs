//! How deep JSON is nested.

/// Whether objects and arrays are nested more than `levels` deep. The text should be JSON; of other text, the answer
/// means nothing.
pub(super) fn is_deeper_than(levels: usize, json: &[u8]) -> bool {
    // Most objects have fewer brackets in all, and counting them is many times faster than following them.
    let opening: usize = json.chunks(usize::from(u8::MAX)).map(opening).sum();
    opening > levels && deepest_exceeds(levels, json)
}

/// Opening brackets in at most 255 bytes: counted in bytes, many at a time.
fn opening(json: &[u8]) -> usize {
    json.iter().map(|byte| u8::from(matches!(byte, b'{' | b'['))).sum::<u8>().into()
}

fn deepest_exceeds(levels: usize, json: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'{' | b'[' if depth == levels => return true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Goes behind the quotation mark that ends a string.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nesting_counts() {
        for (json, depth) in [
            ("1", 0),
            ("{}", 1),
            ("[[],[],[[]]]", 3),
            (r#"{"a":{"b":[{}]},"c":[]}"#, 4),
            (r#"["[[[[", "\"[[[", "\\", [0]]"#, 2),
        ] {
            assert!(!is_deeper_than(depth, json.as_bytes()), "{json}");
            assert!(depth == 0 || is_deeper_than(depth - 1, json.as_bytes()), "{json}");
        }
    }
}
