//! Objects as raw JSON, field by field: most answers are made without parsing what they carry.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// The fields of a JSON object in their order, their values unparsed.
#[derive(Debug)]
pub(super) struct RawFields<'a>(Vec<(String, &'a RawValue)>);

impl<'a> RawFields<'a> {
    /// The fields of an object; none where the text is not one.
    pub(super) fn parse(json: &'a [u8]) -> Self {
        serde_json::from_slice(json).unwrap_or_else(|_| Self(Vec::new()))
    }

    /// The value of a field, as JSON; `null` where there is none.
    pub(super) fn get(&self, name: &str) -> &'a str {
        self.0.iter().find(|(key, _)| key == name).map_or("null", |(_, value)| value.get())
    }

    /// The fields but for these.
    pub(super) fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|(key, _)| !names.contains(&key.as_str()));
        self
    }

    /// The object, as JSON.
    pub(super) fn to_json(&self) -> String {
        // Text and JSON values can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(std::marker::PhantomData))
    }
}

impl Serialize for RawFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

struct Fields<'a>(std::marker::PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for Fields<'a> {
    type Value = RawFields<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            fields.push((key, map.next_value()?));
        }
        Ok(RawFields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_as_they_are() {
        let json = br#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"x": 1.50}}"#;
        let fields = RawFields::parse(json);
        assert_eq!(fields.get("metadata"), r#"{"name": "a"}"#);
        assert_eq!(fields.get("status"), "null");
        assert_eq!(
            fields.without(&["apiVersion", "kind"]).to_json(),
            r#"{"metadata":{"name": "a"},"spec":{"x": 1.50}}"#
        );
    }
}
