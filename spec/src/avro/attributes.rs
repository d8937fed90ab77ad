//! The attributes of an Avro type that is an object: texts, places, and the logical type.

use super::read::Base;
use super::{Logical, Primitive, Unit};
use crate::diagnostic::{Diagnostic, Findings};
use crate::resolve::At;
use crate::rules;
use crate::source::Value;

/// An object with attributes.
pub(super) struct Attributes<'a> {
    pub(super) at: At<'a>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(at: &At<'a>) -> Self {
        Attributes { at: at.clone() }
    }

    /// The attribute, if it is a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.at.get(name)?.node.as_str().map(str::to_owned)
    }

    /// Where to point at for the attribute: at the object where there is none.
    pub(super) fn place(&self, name: &str) -> At<'a> {
        self.at.get(name).unwrap_or_else(|| self.at.clone())
    }

    fn integer(&self, name: &str) -> Option<i128> {
        match &self.at.get(name)?.node.value {
            Value::Number(number) => number.as_i128(),
            _ => None,
        }
    }

    /// `logicalType`. One that does not fit its type is reported and counts as not there, as the specification has it;
    /// an unknown one is somebody's own.
    pub(super) fn logical(&self, base: Base, found: &mut Findings) -> Option<Logical> {
        let name = self.text("logicalType")?;
        match logical_of(&name, base) {
            Some(Logical::Decimal { .. }) => match self.decimal(base) {
                Ok(decimal) => Some(decimal),
                Err(message) => {
                    let help = "it is read as plain bytes; correct `precision` and `scale`";
                    let at = self.place("logicalType").location();
                    found.push(Diagnostic::new(rules::AVRO_LOGICAL_TYPE, message, &at).help(help));
                    None
                }
            },
            Some(logical) => Some(logical),
            None => {
                if let Some(of) = type_of(&name) {
                    let message = format!("the logical type `{name}` belongs to {of}, and not to this type");
                    let at = self.place("logicalType").location();
                    let help = "it counts as not there; give it the type that it belongs to";
                    found.push(Diagnostic::new(rules::AVRO_LOGICAL_TYPE, message, &at).help(help));
                }
                None
            }
        }
    }

    fn decimal(&self, base: Base) -> Result<Logical, String> {
        let positive = |value: i128| u32::try_from(value).ok().filter(|value| *value > 0);
        let Some(precision) = self.integer("precision").and_then(positive) else {
            return Err("a decimal must have a `precision`, a positive integer".to_owned());
        };
        let scale = match self.at.get("scale") {
            None => Some(0),
            Some(_) => self.integer("scale").and_then(|scale| u32::try_from(scale).ok()),
        };
        let Some(scale) = scale.filter(|scale| *scale <= precision) else {
            return Err(format!("the `scale` of this decimal must be an integer from 0 to its precision, {precision}"));
        };
        // `floor(log10(2^(8 × size - 1) - 1))` digits fit
        let fits = match base {
            Base::Fixed(size) => {
                f64::from(precision) <= ((size as f64 * 8.0 - 1.0) * std::f64::consts::LOG10_2).floor()
            }
            Base::Primitive(_) => true,
        };
        if !fits {
            return Err(format!("{precision} decimal digits do not fit into this fixed"));
        }
        Ok(Logical::Decimal { precision, scale })
    }
}

/// The logical type that a name means for this type.
fn logical_of(name: &str, base: Base) -> Option<Logical> {
    Some(match (name, base) {
        ("decimal", Base::Primitive(Primitive::Bytes) | Base::Fixed(_)) => Logical::Decimal { precision: 0, scale: 0 },
        ("uuid", Base::Primitive(Primitive::String) | Base::Fixed(16)) => Logical::Uuid,
        ("date", Base::Primitive(Primitive::Int)) => Logical::Date,
        ("time-millis", Base::Primitive(Primitive::Int)) => Logical::Time(Unit::Millis),
        ("time-micros", Base::Primitive(Primitive::Long)) => Logical::Time(Unit::Micros),
        ("timestamp-millis", Base::Primitive(Primitive::Long)) => Logical::Timestamp(Unit::Millis),
        ("timestamp-micros", Base::Primitive(Primitive::Long)) => Logical::Timestamp(Unit::Micros),
        ("timestamp-nanos", Base::Primitive(Primitive::Long)) => Logical::Timestamp(Unit::Nanos),
        ("local-timestamp-millis", Base::Primitive(Primitive::Long)) => Logical::LocalTimestamp(Unit::Millis),
        ("local-timestamp-micros", Base::Primitive(Primitive::Long)) => Logical::LocalTimestamp(Unit::Micros),
        ("local-timestamp-nanos", Base::Primitive(Primitive::Long)) => Logical::LocalTimestamp(Unit::Nanos),
        ("duration", Base::Fixed(12)) => Logical::Duration,
        _ => return None,
    })
}

/// The types that a known logical type belongs to.
fn type_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "decimal" => "bytes or a fixed",
        "uuid" => "a string or a fixed of 16 bytes",
        "date" | "time-millis" => "an int",
        "duration" => "a fixed of 12 bytes",
        "time-micros"
        | "timestamp-millis"
        | "timestamp-micros"
        | "timestamp-nanos"
        | "local-timestamp-millis"
        | "local-timestamp-micros"
        | "local-timestamp-nanos" => "a long",
        _ => return None,
    })
}

/// "The name portion of the fullname of named types, record field names, and enum symbols must" be such ("Names").
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
