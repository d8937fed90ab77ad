//! The formats that have a type of their own in generated code: one table for the generator and for comparisons.

/// A `format` that generated types hold to, so that they hold nothing else. All others are annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TypedFormat {
    /// `date-time` of a string
    DateTime,
    /// `date` of a string
    Date,
    /// `uuid` of a string
    Uuid,
    /// `ipv4` of a string
    Ipv4,
    /// `ipv6` of a string
    Ipv6,
    /// The size of an integer: `int8`, `uint8` and so on to `uint64`.
    Integer {
        /// The smallest integer of that size.
        least: i128,
        /// The largest.
        most: i128,
    },
}

impl TypedFormat {
    /// The format of this name.
    ///
    /// ```
    /// use event_api_spec::schema::TypedFormat;
    ///
    /// assert_eq!(TypedFormat::of("uuid"), Some(TypedFormat::Uuid));
    /// assert_eq!(TypedFormat::of("uint8"), Some(TypedFormat::Integer { least: 0, most: 255 }));
    /// assert_eq!(TypedFormat::of("email"), None);
    /// ```
    pub fn of(name: &str) -> Option<Self> {
        let (least, most): (i128, i128) = match name {
            "date-time" => return Some(TypedFormat::DateTime),
            "date" => return Some(TypedFormat::Date),
            "uuid" => return Some(TypedFormat::Uuid),
            "ipv4" => return Some(TypedFormat::Ipv4),
            "ipv6" => return Some(TypedFormat::Ipv6),
            "int8" => (i8::MIN.into(), i8::MAX.into()),
            "uint8" => (0, u8::MAX.into()),
            "int16" => (i16::MIN.into(), i16::MAX.into()),
            "uint16" => (0, u16::MAX.into()),
            "int32" => (i32::MIN.into(), i32::MAX.into()),
            "uint32" => (0, u32::MAX.into()),
            "int64" => (i64::MIN.into(), i64::MAX.into()),
            "uint64" => (0, u64::MAX.into()),
            _ => return None,
        };
        Some(TypedFormat::Integer { least, most })
    }
}
