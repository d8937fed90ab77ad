//! Addresses of channels with parameters: how a struct of the parameters is written as an address and read from one.

use std::convert::Infallible;

use super::Invalid;

impl From<Infallible> for Invalid {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// `Display` and `FromStr` of an address. Its literals and fields stand by turns, a literal first and last:
/// `address!(UserAddress, "users/{id}", ["users/", id, ""])`.
#[doc(hidden)]
#[macro_export]
macro_rules! __address {
    ($name:ident, $template:literal, [$first:literal $(, $field:ident, $literal:literal)+]) => {
        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str($first)?;
                $(
                    ::core::fmt::Display::fmt(&self.$field, f)?;
                    f.write_str($literal)?;
                )+
                Ok(())
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::codegen::Invalid;

            fn from_str(address: &str) -> ::core::result::Result<Self, Self::Err> {
                match $crate::codegen::match_address(&[$first, $($literal),+], address).as_deref() {
                    Some([$($field),+]) => Ok(Self { $($field: $field.parse()?),+ }),
                    _ => Err($crate::codegen::Invalid::address($template)),
                }
            }
        }
    };
}
