//! `format`: an annotation to JSON Schema, and yet a demand where the generated type of a reader holds nothing else.

use super::cases::Case;
use crate::schema::{JsonType, Schemas, TypedFormat};

/// Whether readers of some cases refuse what a writer may send in some case of its own only because of their formats.
pub(super) fn is_narrower(reader: (&Schemas, &[Case]), writer: (&Schemas, &[Case])) -> bool {
    [JsonType::String, JsonType::Integer].into_iter().any(|json_type| {
        let of_type = |schemas: &Schemas, case: &&Case| is_of(schemas, case, json_type);
        let read: Vec<&Case> = reader.1.iter().filter(|case| of_type(reader.0, case)).collect();
        let mut sent = writer.1.iter().filter(|case| of_type(writer.0, case));
        !read.is_empty()
            && sent.any(|sent| read.iter().all(|read| refuses((reader.0, read), (writer.0, sent), json_type)))
    })
}

/// Whether values of this type are described.
fn is_of(schemas: &Schemas, case: &Case, wanted: JsonType) -> bool {
    let mut types = case.keywords(schemas).filter_map(|k| k.types.as_ref()).peekable();
    types.peek().is_some() && types.all(|types| types.contains(&wanted))
}

/// The format that a case has, as generated code sees it.
pub(super) fn of<'s>(schemas: &'s Schemas, case: &Case) -> Option<&'s str> {
    case.keywords(schemas).find_map(|k| k.format.as_deref())
}

fn refuses(reader: (&Schemas, &Case), writer: (&Schemas, &Case), json_type: JsonType) -> bool {
    // What is listed is compared value by value, and generated as an enum.
    let is_listed = |(schemas, case): (&Schemas, &Case)| {
        case.keywords(schemas).any(|k| k.enum_values.is_some() || k.const_value.is_some())
    };
    if is_listed(reader) || is_listed(writer) {
        return false;
    }
    let Some(wanted) = of(reader.0, reader.1) else { return false };
    if writer.1.keywords(writer.0).any(|k| k.format.as_deref() == Some(wanted)) {
        return false;
    }
    match (TypedFormat::of(wanted), json_type) {
        // A string that is checked otherwise stays a string.
        (Some(format), JsonType::String) if !matches!(format, TypedFormat::Integer { .. }) => !reader
            .1
            .keywords(reader.0)
            .any(|k| k.min_length.is_some_and(|length| length > 0) || k.max_length.is_some() || k.pattern.is_some()),
        (Some(TypedFormat::Integer { least, most }), JsonType::Integer) => {
            // Bounds on both sides choose the type, and the format does not.
            let low = reader.1.keywords(reader.0).any(|k| k.minimum.is_some() || k.exclusive_minimum.is_some());
            let high = reader.1.keywords(reader.0).any(|k| k.maximum.is_some() || k.exclusive_maximum.is_some());
            let (low_sent, high_sent) = sent(writer);
            !(low && high) && (low_sent < least || high_sent > most)
        }
        _ => false,
    }
}

/// The integers that a writer may send.
fn sent((schemas, case): (&Schemas, &Case)) -> (i128, i128) {
    let natural = match of(schemas, case).and_then(TypedFormat::of) {
        Some(TypedFormat::Integer { least, most }) => (least, most),
        _ => (i64::MIN.into(), i64::MAX.into()),
    };
    let least = case.keywords(schemas).flat_map(|k| {
        let beyond = k.exclusive_minimum.as_ref().and_then(|number| Some(number.as_i128()?.saturating_add(1)));
        k.minimum.as_ref().and_then(|number| number.as_i128()).into_iter().chain(beyond)
    });
    let most = case.keywords(schemas).flat_map(|k| {
        let below = k.exclusive_maximum.as_ref().and_then(|number| Some(number.as_i128()?.saturating_sub(1)));
        k.maximum.as_ref().and_then(|number| number.as_i128()).into_iter().chain(below)
    });
    (least.max().unwrap_or(natural.0), most.min().unwrap_or(natural.1))
}
