//! The query of a request.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::{ApiError, ApiResult};

/// The parameters of a query, decoded, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// The parameters of the text after the question mark (`application/x-www-form-urlencoded`).
    pub(crate) fn parse(text: &str) -> Self {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        };
        Self(text.split('&').filter(|pair| !pair.is_empty()).map(pair).collect())
    }

    /// The first value of a parameter; empty values count as not given, as on a real server.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.all(key).find(|value| !value.is_empty())
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is given and not `false` or `0`: `?watch` and `?watch=1` both mean true.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.all(key).next().is_some_and(|value| !matches!(value, "false" | "0"))
    }

    /// The value of a parameter as a `T`.
    ///
    /// # Errors
    /// 400 where it is something else; `what` says what was expected.
    pub(crate) fn parsed<T: FromStr>(&self, key: &str, what: &str) -> ApiResult<Option<T>> {
        let parse = |text: &str| {
            text.parse().map_err(|_| ApiError::bad_request(format!("query parameter {key}={text:?} is not {what}")))
        };
        self.get(key).map(parse).transpose()
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        let query =
            Query::parse("labelSelector=app%3Dweb%2Ctier+in+%28a%29&watch&limit=&command=sh&command=-c&force=false");
        assert_eq!(query.get("labelSelector"), Some("app=web,tier in (a)"));
        assert_eq!(query.get("limit"), None);
        assert!(query.flag("watch"));
        assert!(!query.flag("force"));
        assert!(!query.flag("nothing"));
        assert_eq!(query.all("command").collect::<Vec<_>>(), ["sh", "-c"]);
        assert_eq!(Query::parse("limit=5").parsed::<usize>("limit", "a number").expect("a number"), Some(5));
        assert_eq!(Query::parse("limit=x").parsed::<usize>("limit", "a number").expect_err("x").code(), 400);
    }
}
