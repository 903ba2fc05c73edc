//! Messages to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::schema::{Field, Kind, Shape, fields};
use super::wire::{Item, Items};

/// How deep messages may be inside each other.
const DEPTH_MAX: usize = 32;
/// What every request begins with.
const MAGIC: &[u8] = b"k8s\0";

/// The object in the body of a request.
///
/// # Errors
/// Why it can't be read, in one line.
pub(crate) fn object(body: &[u8]) -> Result<Value, String> {
    let envelope = body.strip_prefix(MAGIC).ok_or("it does not begin with the bytes \"k8s\\0\"")?;
    let type_meta = Items::of(envelope).last(1)?.ok_or("it does not name its type")?.bytes()?;
    let word = |number| Items::of(type_meta).last(number).and_then(|item| item.map_or(Ok(""), Item::text));
    let (api_version, kind) = (word(1)?, word(2)?);
    let raw = Items::of(envelope).last(2)?.map_or(Ok(&[][..]), Item::bytes)?;
    let names = [format!("{api_version}.{kind}"), format!("meta/v1.{kind}")];
    let fields = names.iter().find_map(|name| fields(name));
    let fields = fields.ok_or_else(|| format!("{api_version} {kind} is not read from protobuf here; send JSON"))?;
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    object.extend(message(fields, raw, 0)?);
    Ok(Value::Object(object))
}

fn message(known: &[Field], bytes: &[u8], depth: usize) -> Result<Map<String, Value>, String> {
    if depth > DEPTH_MAX {
        return Err("it is nested too deeply".to_owned());
    }
    let mut object = Map::new();
    let mut items = Items::of(bytes);
    while let Some((number, item)) = items.next()? {
        // What a newer client sends and this server does not know is left out.
        if let Some(field) = known.iter().find(|field| field.number == number) {
            put(&mut object, field, item, depth)?;
        }
    }
    Ok(object)
}

fn put(object: &mut Map<String, Value>, field: &Field, item: Item<'_>, depth: usize) -> Result<(), String> {
    match field.shape {
        Shape::Map => {
            let (key, found) = (Items::of(item.bytes()?).last(1)?, Items::of(item.bytes()?).last(2)?);
            let key = key.map_or(Ok(""), Item::text)?.to_owned();
            let found = value(field.kind, found.unwrap_or(Item::Bytes(&[])), depth)?;
            let map = object.entry(field.name).or_insert_with(|| Value::Object(Map::new()));
            map.as_object_mut().into_iter().for_each(|map| _ = map.insert(key.clone(), found.clone()));
        }
        Shape::List => {
            let found = value(field.kind, item, depth)?;
            let list = object.entry(field.name).or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut().into_iter().for_each(|list| list.push(found.clone()));
        }
        Shape::Inline => {
            if let Value::Object(inner) = value(field.kind, item, depth)? {
                object.extend(inner);
            }
        }
        Shape::Value | Shape::Pointer => {
            let found = value(field.kind, item, depth)?;
            if field.shape == Shape::Pointer || !is_zero(&found) {
                object.insert(field.name.to_owned(), found);
            }
        }
    }
    Ok(())
}

/// Whether a value is what Go has where nothing was set: it is sent, and means nothing.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Array(_) | Value::Bool(true) => false,
    }
}

fn value(kind: Kind, item: Item<'_>, depth: usize) -> Result<Value, String> {
    let inside = |number| Items::of(item.bytes()?).last(number);
    Ok(match kind {
        Kind::Text => item.text()?.into(),
        Kind::Bytes => STANDARD.encode(item.bytes()?).into(),
        Kind::Truth => (item.number()? != 0).into(),
        Kind::Integer => item.number()?.cast_signed().into(),
        Kind::Double => match item {
            Item::Fixed64(bits) => f64::from_bits(bits).into(),
            Item::Varint(_) | Item::Bytes(_) => return Err("a number is not one".to_owned()),
        },
        Kind::Quantity => inside(1)?.map_or(Ok(""), Item::text)?.into(),
        Kind::IntOrString => match inside(1)?.map_or(Ok(0), Item::number)? {
            // Whole numbers of 32 bits come as 64 bits, with their sign.
            0 => inside(2)?.map_or(Ok(0), Item::number)?.cast_signed().into(),
            _ => inside(3)?.map_or(Ok(""), Item::text)?.into(),
        },
        Kind::Time => time(item, "%Y-%m-%dT%H:%M:%SZ")?,
        Kind::MicroTime => time(item, "%Y-%m-%dT%H:%M:%S.%6fZ")?,
        Kind::Json => {
            let json = inside(1)?.map_or(Ok(&[][..]), Item::bytes)?;
            if json.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(json).map_err(|error| error.to_string())?
            }
        }
        Kind::Texts => texts(item)?,
        Kind::Message(name) => Value::Object(message(fields(name).unwrap_or_default(), item.bytes()?, depth + 1)?),
    })
}

/// Seconds and nanoseconds as RFC 3339; none of both is no time.
fn time(item: Item<'_>, format: &str) -> Result<Value, String> {
    let part = |number| Items::of(item.bytes()?).last(number)?.map_or(Ok(0), Item::number).map(u64::cast_signed);
    let (seconds, nanos) = (part(1)?, part(2)?);
    if (seconds, nanos) == (0, 0) {
        return Ok(Value::Null);
    }
    let nanos = i32::try_from(nanos).map_err(|error| error.to_string())?;
    let time = Timestamp::new(seconds, nanos).map_err(|error| error.to_string())?;
    Ok(time.strftime(format).to_string().into())
}

fn texts(item: Item<'_>) -> Result<Value, String> {
    let mut texts = Vec::new();
    let mut items = Items::of(item.bytes()?);
    while let Some((number, item)) = items.next()? {
        if number == 1 {
            texts.push(Value::from(item.text()?));
        }
    }
    Ok(texts.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A field of text, bytes or a message.
    fn field(number: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        let bytes = bytes.as_ref();
        [&[number << 3 | 2, u8::try_from(bytes.len()).expect("a short one")], bytes].concat()
    }

    fn number(field: u8, value: u8) -> Vec<u8> {
        vec![field << 3, value]
    }

    fn request(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let type_meta = [field(1, api_version), field(2, kind)].concat();
        [MAGIC.to_vec(), field(1, type_meta), field(2, raw), field(3, ""), field(4, "")].concat()
    }

    #[test]
    fn a_config_map() {
        // As Go sends it: with empty texts, and a time that was not set.
        let metadata =
            [field(1, "web"), field(2, ""), field(8, ""), field(11, [field(1, "a"), field(2, "")].concat())].concat();
        let data = |key: &str, value: &str| field(2, [field(1, key), field(2, value)].concat());
        let binary = field(3, [field(1, "b"), field(2, [0xff])].concat());
        let raw = [field(1, metadata), data("x", "1"), data("y", ""), binary, number(4, 0)].concat();
        let expect = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "labels": {"a": ""}},
            "data": {"x": "1", "y": ""}, "binaryData": {"b": "/w=="}, "immutable": false,
        });
        assert_eq!(object(&request("v1", "ConfigMap", &raw)), Ok(expect));
    }

    #[test]
    fn numbers_quantities_and_what_is_inline() {
        let port = [field(2, "TCP"), number(3, 80), field(4, [number(1, 1), field(3, "http")].concat()), number(5, 0)]
            .concat();
        let service = field(2, field(1, port));
        let expect = json!([{"protocol": "TCP", "port": 80, "targetPort": "http"}]);
        assert_eq!(
            object(&request("v1", "Service", &service)).map(|object| object["spec"]["ports"].clone()),
            Ok(expect)
        );

        // Zero replicas were asked for; no minReadySeconds were.
        let deployment = field(2, [number(1, 0), number(5, 0)].concat());
        let read = object(&request("apps/v1", "Deployment", &deployment));
        assert_eq!(read.map(|object| object["spec"].clone()), Ok(json!({"replicas": 0})));

        let volume = [field(1, "tmp"), field(2, field(2, ""))].concat();
        let pod = field(2, field(1, volume));
        let read = object(&request("v1", "Pod", &pod));
        assert_eq!(read.map(|object| object["spec"]["volumes"].clone()), Ok(json!([{"name": "tmp", "emptyDir": {}}])));
    }

    #[test]
    fn times() {
        let lease = field(2, field(3, [vec![8], vec![0x80, 0x84, 0x8e, 0xd8, 0x06]].concat()));
        let read = object(&request("coordination.k8s.io/v1", "Lease", &lease)).expect("a lease");
        assert_eq!(read["spec"]["acquireTime"], "2026-11-23T00:00:00.000000Z");
    }

    #[test]
    fn options_of_a_deletion_are_of_any_group() {
        let options = [number(1, 0), field(4, "Background")].concat();
        let expect = json!({"apiVersion": "apps/v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "propagationPolicy": "Background"});
        assert_eq!(object(&request("apps/v1", "DeleteOptions", &options)), Ok(expect));
    }

    #[test]
    fn what_is_none_is_refused() {
        let whole = request("v1", "ConfigMap", &field(1, field(1, "web")));
        for body in [
            b"".to_vec(),
            b"{}".to_vec(),
            whole[..whole.len() - 20].to_vec(),
            request("v1", "Nothing", &[]),
            [MAGIC, &[0xff; 12]].concat(),
        ] {
            let error = object(&body).expect_err("it is none");
            assert!(!error.is_empty() && !error.contains('\n'), "{error}");
        }
    }
}
