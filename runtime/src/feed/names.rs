//! Names that a feed has chosen for the type and the payload of its events. The server writes items with them; the consumer
//! gives items our own names before they are read, so that reading knows of one set of names only.

#[cfg(feature = "client")]
use std::borrow::Cow;
#[cfg(feature = "client")]
use std::fmt;

#[cfg(feature = "client")]
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
#[cfg(feature = "server")]
use serde::ser::SerializeMap as _;
use serde::ser::{Serialize, Serializer};
#[cfg(feature = "client")]
use serde_json::value::RawValue;

#[cfg(feature = "server")]
use super::wire::Item;

/// Under which names items of JSON Feed carry the type and the payload of their event, for feeds that have others than
/// `_type` and `_data`.
///
/// ```
/// use event_api::feed::FieldNames;
///
/// let names = FieldNames::new("_kind", "_payload")?;
/// assert!(FieldNames::new("id", "_payload").is_err(), "the id of an item is another thing");
/// # Ok::<(), event_api::feed::FieldNamesError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldNames {
    pub(super) event_type: &'static str,
    pub(super) data: &'static str,
}

/// A name that an item cannot have for the type or the payload of its event.
#[derive(Debug, thiserror::Error)]
#[error("an item cannot have its type or payload under {name:?}, which is empty or names something else in it")]
#[non_exhaustive]
pub struct FieldNamesError {
    /// The name.
    pub name: &'static str,
}

/// Members of items that mean something else.
const TAKEN: [&str; 11] = [
    "",
    "id",
    "date_published",
    "content_text",
    "_headers",
    "_position",
    "_subject",
    "_version",
    "_traceparent",
    "_address",
    "_event",
];

impl FieldNames {
    /// The names of the type and of the payload.
    ///
    /// # Errors
    /// When both are the same, or one is empty or a member of items that means something else.
    pub fn new(event_type: &'static str, data: &'static str) -> Result<Self, FieldNamesError> {
        match [event_type, data].into_iter().find(|name| TAKEN.contains(name)) {
            Some(name) => Err(FieldNamesError { name }),
            None if event_type == data => Err(FieldNamesError { name: data }),
            None => Ok(FieldNames { event_type, data }),
        }
    }
}

#[cfg(feature = "client")]
impl FieldNames {
    /// A page with our names in its items; nothing when it is none.
    pub(super) fn page_in_ours(self, page: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(page).ok()?;
        let mut page: Object<'_> = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
        for (name, value) in &mut page.0 {
            if name == "items" {
                let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
                let items: Vec<_> = items.into_iter().map(|item| self.in_ours(item)).collect();
                *value = Cow::Owned(serde_json::value::to_raw_value(&items).ok()?);
            }
        }
        serde_json::to_vec(&page).ok()
    }

    /// An item with our names; nothing when it is none.
    pub(super) fn item_in_ours(self, item: &str) -> Option<String> {
        let item: &RawValue = serde_json::from_str(item).ok()?;
        Some(self.in_ours(item).get().to_owned())
    }

    /// What is no object stays as it is, for the reader to refuse.
    fn in_ours(self, item: &RawValue) -> Cow<'_, RawValue> {
        let Ok(Object(members)) = serde_json::from_str(item.get()) else { return Cow::Borrowed(item) };
        let ours = members.into_iter().filter_map(|(name, value)| match name {
            name if name == self.event_type => Some(("_type".to_owned(), value)),
            name if name == self.data => Some(("_data".to_owned(), value)),
            // Here, they mean something else.
            name if name == "_type" || name == "_data" => None,
            name => Some((name, value)),
        });
        let ours = serde_json::value::to_raw_value(&Object(ours.collect()));
        ours.map_or(Cow::Borrowed(item), Cow::Owned)
    }
}

/// A JSON object whose members stay as they are written, and in their order.
#[cfg(feature = "client")]
struct Object<'a>(Vec<(String, Cow<'a, RawValue>)>);

#[cfg(feature = "client")]
impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name, Cow::Borrowed(value)));
                }
                Ok(Object(members))
            }
        }

        json.deserialize_map(Members)
    }
}

#[cfg(feature = "client")]
impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        json.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// An item with names of the feed's own.
#[cfg(feature = "server")]
pub(super) struct NamedItem<'a> {
    pub(super) names: FieldNames,
    pub(super) item: Item<'a>,
}

#[cfg(feature = "server")]
impl Serialize for NamedItem<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let item = &self.item;
        let mut map = json.serialize_map(None)?;
        map.serialize_entry("id", item.id)?;
        map.serialize_entry("date_published", &item.date_published)?;
        map.serialize_entry("content_text", item.content_text)?;
        map.serialize_entry(self.names.event_type, item.event_type)?;
        if let Some(headers) = item.headers {
            map.serialize_entry("_headers", headers)?;
        }
        map.serialize_entry(self.names.data, item.data)?;
        map.serialize_entry("_position", &item.position)?;
        let optional = [
            ("_subject", item.subject),
            ("_version", item.version),
            ("_traceparent", item.traceparent),
            ("_address", item.address),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use super::*;

    #[test]
    fn items_get_our_names_and_stay_as_they_are_otherwise() {
        let names = FieldNames::new("kind", "_type").unwrap();
        let page =
            "\u{feff}{\"a\": 1.0, \"items\": [{\"_data\": 0, \"_type\": [ 1 ], \"kind\": \"A\", \"id\": \"1\"}, 7]}";
        let ours = r#"{"a":1.0,"items":[{"_data":[ 1 ],"_type":"A","id":"1"},7]}"#;
        assert_eq!(String::from_utf8(names.page_in_ours(page.as_bytes()).unwrap()).unwrap(), ours);
        for none in ["", "[]", "{\"items\": 1}", "{\"items\": ["] {
            assert_eq!(names.page_in_ours(none.as_bytes()), None, "{none}");
        }
        assert_eq!(names.item_in_ours("{\"kind\":\"A\"}").unwrap(), "{\"_type\":\"A\"}");
        assert_eq!(names.item_in_ours("{"), None);
    }
}
