//! What generated code calls. Not for people: everything here may change with any version, together with the code
//! that is generated for it.
//!
//! The macros write the `Serialize` and `Deserialize` of generated types. They say more than serde's derives can (a
//! struct is an object and never an array, `null` is not absence, constants are checked) and cost less to compile.
//! They expand where the user's types stand, and of what a macro declares only local variables are out of those types'
//! way: so type parameters and items in them begin with `__`, which no generated type does.

mod address;
pub mod avro;
mod check;
mod decimal;
mod events;
mod json;
mod member;
mod newtype;
mod object;
mod read;
mod rule;
mod scalar;
mod union;

pub use check::{Invalid, Pattern, check_item_count, check_keys, check_length, check_member_count, check_unique};
pub use check::{check_integer_bounds, check_integer_multiple, check_multiple, check_number_bounds};
pub use decimal::Decimal;
pub use json::Json;
pub use member::{Closed, KeepOthers, Members, Names, constant_index};
pub use newtype::read_checked;
pub use object::{Constants, missing};
pub use read::{As, ReadAs, from_json, read_as, readers};
pub use rule::{Kind, Marks, Rule, check_rule, rules};
pub use scalar::{Never, read_json, read_text};
pub use union::{
    Alternative, Tagged, accepting_alternatives, no_alternative, rivals, several_alternatives, tagged_value,
};
pub use {chrono, serde, serde_json, uuid};

pub use crate::address::match_address;
pub use crate::upcast::{upcast_event, upcast_list, upcast_map, upcast_option};
pub use crate::{
    __address as address, __avro_newtype as avro_newtype, __avro_payload as avro_payload, __avro_record as avro_record,
    __avro_sized_bytes as avro_sized_bytes, __avro_union as avro_union, __events as events,
    __from_variants as from_variants, __newtype as newtype, __object as object, __pattern as pattern,
    __payloads as payloads, __publisher as publisher, __scalar_enum as scalar_enum, __string_enum as string_enum,
    __string_newtype as string_newtype, __tuple as tuple, __union_by_kind as union_by_kind,
    __union_by_member as union_by_member, __union_by_rule as union_by_rule, __wrapper as wrapper,
};

pub use serde::de::{Deserialize, Deserializer};
use serde::de::{DeserializeOwned, Error, IgnoredAny};
use serde_json::value::RawValue;

use crate::avro::{AvroError, LazySchema};
use crate::event::{Channel, Headers, UnknownEvent};

/// A payload as JSON text.
pub type RawData = Box<RawValue>;

/// A value as JSON text.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn to_raw<T: serde::Serialize + ?Sized>(value: &T) -> Result<RawData, serde_json::Error> {
    serde_json::value::to_raw_value(value)
}

/// A value in Avro's binary encoding, by way of its JSON encoding.
///
/// # Errors
/// When it cannot be written.
pub fn to_avro<T: serde::Serialize>(schema: &LazySchema, value: &T) -> Result<Vec<u8>, AvroError> {
    crate::avro::encode(schema.get()?, &serde_json::to_value(value).map_err(AvroError::Value)?)
}

/// The value of bytes in Avro's binary encoding.
///
/// # Errors
/// When they are none of the type.
pub fn from_avro<T: DeserializeOwned>(schema: &LazySchema, bytes: &[u8]) -> Result<T, AvroError> {
    let value = crate::avro::decode(schema.get()?, bytes)?;
    T::deserialize(value).map_err(AvroError::Rejected)
}

/// Reads over the payload of a message that declares none.
///
/// # Errors
/// When the input is no value.
pub fn read_nothing<'de, D: Deserializer<'de>>(data: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(data).map(|_| ())
}

/// Reads typed headers.
///
/// # Errors
/// When they are not what the document says.
pub fn read_headers<H: DeserializeOwned, E: Error>(headers: &Headers) -> Result<H, E> {
    headers.to_typed().map_err(|error| E::custom(format_args!("headers: {error}")))
}

/// Reads an event of unknown type.
///
/// # Errors
/// When the input is no value.
pub fn read_unknown<'de, D: Deserializer<'de>>(
    event_type: &str,
    headers: &Headers,
    data: D,
) -> Result<UnknownEvent, D::Error> {
    let data = Deserialize::deserialize(data)?;
    Ok(UnknownEvent { event_type: event_type.to_owned(), headers: headers.clone(), data })
}

/// The error for an event type that the channel does not declare.
#[cold]
pub fn unknown_event_type<E: Error>(event_type: &str, channel: &Channel) -> E {
    E::unknown_variant(event_type, channel.event_types)
}
