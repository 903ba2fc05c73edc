//! The `Accept` header: which shape of an answer the client wants
//! (<https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources>).

use http::HeaderMap;
use http::header::ACCEPT;

use super::{ApiError, ApiResult};

/// The media types that a client accepts, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accept(Vec<MediaType>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct MediaType {
    name: String,
    kind: String,
    group: String,
    version: String,
}

/// The shape of objects in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As they are.
    Object,
    /// As rows of a `Table`.
    Table,
    /// As `PartialObjectMetadata`.
    Metadata,
}

impl Accept {
    /// What the headers say; no header accepts anything.
    pub(crate) fn parse(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut types: Vec<_> = values.flat_map(|value| value.split(',')).filter_map(MediaType::parse).collect();
        if types.is_empty() {
            types.extend(MediaType::parse("*/*"));
        }
        Self(types)
    }

    /// The shape of the best media type that this server can write.
    ///
    /// # Errors
    /// 406 where there is none.
    pub(crate) fn shape(&self) -> ApiResult<Shape> {
        self.0.iter().find_map(MediaType::shape).ok_or_else(|| {
            ApiError::not_acceptable("only the following media types are accepted: application/json".to_owned())
        })
    }

    /// Whether the client names this media type.
    pub(crate) fn names(&self, media_type: &str) -> bool {
        self.0.iter().any(|media| media.name == media_type)
    }

    /// Whether a discovery document should be the aggregated one.
    pub(crate) fn aggregated_discovery(&self) -> bool {
        let json = self.0.iter().find(|media| media.is_json());
        json.is_some_and(|media| media.is("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2"))
    }
}

impl MediaType {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        let mut media = Self { name, kind: String::new(), group: String::new(), version: String::new() };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key {
                "as" => value.clone_into(&mut media.kind),
                "g" => value.clone_into(&mut media.group),
                "v" => value.clone_into(&mut media.version),
                _ => {}
            }
        }
        Some(media)
    }

    fn is_json(&self) -> bool {
        matches!(self.name.as_str(), "application/json" | "application/*" | "*/*")
    }

    fn is(&self, kind: &str, group: &str, version: &str) -> bool {
        self.kind == kind && self.group == group && self.version == version
    }

    fn shape(&self) -> Option<Shape> {
        if !self.is_json() {
            return None;
        }
        let meta = |kind| self.is(kind, "meta.k8s.io", "v1");
        match self.kind.as_str() {
            "" => Some(Shape::Object),
            "Table" if meta("Table") => Some(Shape::Table),
            kind @ ("PartialObjectMetadata" | "PartialObjectMetadataList") if meta(kind) => Some(Shape::Metadata),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(text: &str) -> Accept {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, text.parse().expect("a header"));
        Accept::parse(&headers)
    }

    #[test]
    fn shapes() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        for (text, expect) in [
            ("application/json", Some(Shape::Object)),
            ("*/*", Some(Shape::Object)),
            ("application/yaml, application/json", Some(Shape::Object)),
            (table, Some(Shape::Table)),
            ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Some(Shape::Object)),
            ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Some(Shape::Metadata)),
            ("application/vnd.kubernetes.protobuf", None),
        ] {
            assert_eq!(accept(text).shape().ok(), expect, "{text}");
        }
        assert_eq!(Accept::parse(&HeaderMap::new()).shape().ok(), Some(Shape::Object));
    }

    #[test]
    fn discovery() {
        let v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        assert!(accept(v2).aggregated_discovery());
        assert!(!accept("application/json").aggregated_discovery());
        assert!(!accept(&v2.replace("v=v2", "v=v9")).aggregated_discovery());
    }
}
