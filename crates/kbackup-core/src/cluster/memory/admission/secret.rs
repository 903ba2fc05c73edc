//! Secrets: `stringData` becomes `data`, and a type is filled in.

use serde_json::Value;

use super::super::tree;

/// Fills in a Secret.
pub(super) fn fill_in(secret: &mut Value) {
    tree::set_default(secret, &["type"], "Opaque");
    let Some(Value::Object(texts)) = tree::object_mut(secret, &[]).remove("stringData") else { return };
    for (key, text) in texts {
        let encoded = base64(text.as_str().unwrap_or_default().as_bytes());
        tree::set(secret, &["data", &key], Some(encoded.into()));
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn base64_follows_the_examples_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn string_data_wins_over_data() {
        let mut secret = json!({"data": {"a": "eA==", "b": "eQ=="}, "stringData": {"a": "f"}});
        fill_in(&mut secret);
        assert_eq!(secret, json!({"type": "Opaque", "data": {"a": "Zg==", "b": "eQ=="}}));
    }
}
