//! `format`: an annotation to JSON Schema, and yet a demand where the generated type of a reader holds nothing else.

use super::parts::{keywords, together};
use crate::schema::{JsonType, Keywords, SchemaId, Schemas};

/// The formats of strings of which generated types hold no other strings.
const MAPPED: [&str; 6] = ["date-time", "date", "time", "uuid", "ipv4", "ipv6"];

/// The format of a schema.
pub(super) fn of(schemas: &Schemas, id: SchemaId) -> Option<&str> {
    keywords(schemas, id)?.format.as_deref()
}

/// Whether a reader's generated type refuses some of what a writer may send only because of the format.
pub(super) fn is_narrower(reader: (&Schemas, SchemaId), writer: (&Schemas, SchemaId)) -> bool {
    let read = together(reader.0, reader.1);
    let sent = together(writer.0, writer.1);
    let (wanted, given) = (of(reader.0, reader.1), of(writer.0, writer.1));
    let Some(wanted) = wanted.filter(|wanted| Some(*wanted) != given) else { return false };
    // What is listed is compared value by value.
    if sent.iter().any(|part| part.enum_values.is_some() || part.const_value.is_some()) {
        return false;
    }
    if MAPPED.contains(&wanted) {
        return is_of(&read, JsonType::String) && is_of(&sent, JsonType::String);
    }
    let Some((low, high)) = range(wanted) else { return false };
    // Bounds on both sides choose the type, and the format does not.
    let is_bounded = |part: &&Keywords| part.minimum.is_some() && part.maximum.is_some();
    if !is_of(&read, JsonType::Integer) || read.iter().any(is_bounded) {
        return false;
    }
    let natural = given.and_then(range).unwrap_or((i128::from(i64::MIN), i128::from(i64::MAX)));
    let least = sent.iter().filter_map(|part| part.minimum.as_ref()?.as_i128()).max().unwrap_or(natural.0);
    let most = sent.iter().filter_map(|part| part.maximum.as_ref()?.as_i128()).min().unwrap_or(natural.1);
    least < low || most > high
}

/// Whether values of this type are described.
fn is_of(parts: &[&Keywords], wanted: JsonType) -> bool {
    parts.iter().any(|part| part.types.as_ref().is_some_and(|types| types.contains(&wanted)))
}

/// The integers of a format.
fn range(format: &str) -> Option<(i128, i128)> {
    Some(match format {
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "uint8" => (0, u8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "int64" => (i64::MIN.into(), i64::MAX.into()),
        "uint64" => (0, u64::MAX.into()),
        _ => return None,
    })
}
