//! Event sets: how an enum of events is read, written and given to a handler.

/// `EventSet` of an enum and `Handler` of its adapter. A row says what a variant holds, its type on the wire and the
/// method that handles it, and a reader of the payload where one is needed:
/// `NameChanged(event) = "NameChanged" => name_changed as List<Integer>`. With headers it holds `{ payload, headers }`, or
/// `{ headers }` alone.
///
/// Behind `earlier`, a row says what an event of an earlier version of the document holds, and how it becomes one of this
/// version: `"1.0.0" "NameChanged" (payload: v1::NameChanged) => UserEvents::NameChanged(…)`. The versions stand before the
/// rows, and behind them the types that only some declare: `["1.0.0", "2.0.0"; "Merged" in ["1.0.0"]]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __events {
    ($name:ident $(, unknown $unknown:ident)?, { $($rows:tt)* } $(, earlier $versions:tt $earlier:tt)?) => {
        $crate::__event_set!($name $(, unknown $unknown)?, { $($rows)* } $(, earlier $versions $earlier)?);
    };
    (
        $name:ident $(, unknown $unknown:ident)?, adapter $adapter:ident($handler:ident), { $($rows:tt)* }
        $(, earlier $versions:tt $earlier:tt)?
    ) => {
        $crate::__event_set!($name $(, unknown $unknown)?, { $($rows)* } $(, earlier $versions $earlier)?);

        impl<H: $handler> $crate::Handler for $adapter<H> {
            type Events = $name;

            async fn handle(&self, event: $name, cx: &$crate::Context) -> $crate::HandlerResult {
                $crate::__handle_event!(self, event, cx, $name $(, unknown $unknown)?, { $($rows)* })
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __event_set {
    (
        $name:ident $(, unknown $unknown:ident)?,
        { $($variant:ident $(($payload:ident))? $({ $part:ident $(, $headers:ident)? })? = $event_type:literal => $method:ident $(as $reader:ty)?,)* }
        $(, earlier $versions:tt $earlier:tt)?
    ) => {
        impl $crate::EventSet for $name {
            const CHANNEL: &'static $crate::Channel = Self::CHANNEL;

            fn event_type(&self) -> &str {
                match self {
                    $(Self::$variant { .. } => $event_type,)*
                    $(Self::$unknown(event) => &event.event_type,)?
                }
            }

            fn headers(&self) -> ::core::result::Result<$crate::Headers, $crate::codegen::serde_json::Error> {
                match self {
                    $(Self::$variant { $($part, $($headers,)?)? .. } => $crate::__event_headers!($($part $(, $headers)?)?),)*
                    $(Self::$unknown(event) => Ok(event.headers.clone()),)?
                }
            }

            fn data(&self) -> ::core::result::Result<$crate::codegen::RawData, $crate::codegen::serde_json::Error> {
                match self {
                    $(Self::$variant $(($payload))? $({ $part $(, $headers)? })? => {
                        $crate::__event_data!($($payload)? $({ $part $(, $headers)? })?)
                    })*
                    $(Self::$unknown(event) => $crate::codegen::to_raw(&event.data),)?
                }
            }

            fn decode<'de, D: $crate::codegen::Deserializer<'de>>(
                event_type: &str,
                headers: &$crate::Headers,
                data: D,
            ) -> ::core::result::Result<Self, D::Error> {
                match event_type {
                    $($event_type => {
                        $crate::__decode_event!(
                            headers, data, $variant $(($payload))? $({ $part $(, $headers)? })? $(as $reader)?
                        )
                    })*
                    $(_ => $crate::codegen::read_unknown(event_type, headers, data).map(Self::$unknown),)?
                    #[allow(unreachable_patterns, reason = "reached where unknown events are refused")]
                    _ => Err($crate::codegen::unknown_event_type(event_type, Self::CHANNEL)),
                }
            }

            $($crate::__decode_earlier!($versions $earlier);)?
        }
    };
}

/// The part of `EventSet` that reads events of earlier versions. Those that no row is about did not change.
#[doc(hidden)]
#[macro_export]
macro_rules! __decode_earlier {
    (
        [$($version:literal),* $(; $($declared:literal in [$($declares:literal),*])+)?]
        { $($of:literal $event_type:literal
            ($($payload:ident: $payload_type:ty $(as $reader:ty)?)?) $([$headers:ident: $headers_type:ty])? => $event:expr,)* }
    ) => {
        const EARLIER: &'static [&'static str] = &[$($version),*];

        $(
            fn earlier_of(event_type: &str) -> &'static [&'static str] {
                match event_type {
                    $($declared => &[$($declares),*],)+
                    _ => Self::EARLIER,
                }
            }
        )?

        fn decode_earlier<'de, __D: $crate::codegen::Deserializer<'de>>(
            version: &str,
            event_type: &str,
            headers: &$crate::Headers,
            data: __D,
        ) -> ::core::result::Result<Self, __D::Error> {
            match (version, event_type) {
                $(($of, $event_type) => {
                    $(let $headers: $headers_type = $crate::codegen::read_headers(headers)?;)?
                    $crate::__read_earlier!(data, $($payload: $payload_type $(as $reader)?)?);
                    $crate::codegen::upcast_event($of, Self::CHANNEL, || Ok($event))
                })*
                _ => Self::decode(event_type, headers, data),
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __read_earlier {
    ($data:ident,) => {
        $crate::codegen::read_nothing($data)?;
    };
    ($data:ident, $payload:ident: $payload_type:ty $(as $reader:ty)?) => {
        let $payload: $payload_type = $crate::__read!($data $(, $reader)?)?;
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __event_headers {
    () => {
        Ok($crate::Headers::default())
    };
    ($headers:ident) => {
        $crate::Headers::from_typed($headers)
    };
    ($payload:ident, $headers:ident) => {{
        let _ = $payload;
        $crate::Headers::from_typed($headers)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __event_data {
    () => {
        $crate::codegen::to_raw(&())
    };
    ($payload:ident) => {
        $crate::codegen::to_raw($payload)
    };
    ({ $headers:ident }) => {{
        let _ = $headers;
        $crate::codegen::to_raw(&())
    }};
    ({ $payload:ident, $headers:ident }) => {{
        let _ = $headers;
        $crate::codegen::to_raw($payload)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __decode_event {
    ($from:ident, $data:ident, $variant:ident) => {
        $crate::codegen::read_nothing($data).map(|()| Self::$variant)
    };
    ($from:ident, $data:ident, $variant:ident($payload:ident) $(as $reader:ty)?) => {
        $crate::__read!($data $(, $reader)?).map(Self::$variant)
    };
    ($from:ident, $data:ident, $variant:ident { $headers:ident }) => {{
        let $headers = $crate::codegen::read_headers($from)?;
        $crate::codegen::read_nothing($data).map(|()| Self::$variant { $headers })
    }};
    ($from:ident, $data:ident, $variant:ident { $payload:ident, $headers:ident } $(as $reader:ty)?) => {{
        let $headers = $crate::codegen::read_headers($from)?;
        $crate::__read!($data $(, $reader)?).map(|$payload| Self::$variant { $payload, $headers })
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __handle_event {
    (
        $self:ident, $event:ident, $cx:ident, $name:ident $(, unknown $unknown:ident)?,
        { $($variant:ident $(($payload:ident))? $({ $part:ident $(, $headers:ident)? })? = $event_type:literal => $method:ident $(as $reader:ty)?,)* }
    ) => {
        match $event {
            $($name::$variant $(($payload))? $({ $part $(, $headers)? })? => {
                $self.0.$method($($payload,)? $($part, $($headers,)?)? $cx).await
            })*
            $($name::$unknown(event) => $self.0.unknown(event, $cx).await,)?
        }
    };
}

/// A publisher trait for what publishes: into a log, and within a transaction.
#[doc(hidden)]
#[macro_export]
macro_rules! __publisher {
    ($publisher:ident, $name:ident) => {
        impl $publisher for $crate::Publisher<$name> {
            async fn publish(&self, event: $name) -> $crate::PublishResult {
                $crate::Publisher::publish(self, event).await
            }
        }

        impl $publisher for $crate::Within<'_, $name> {
            async fn publish(&self, event: $name) -> $crate::PublishResult {
                $crate::Within::publish(self, event).await
            }
        }
    };
}

/// Payload types that stand for one event alone: `From` and `Event`.
#[doc(hidden)]
#[macro_export]
macro_rules! __payloads {
    ($name:ident { $($variant:ident($payload:ty) = $event_type:literal,)+ }) => {
        $crate::__from_variants!($name { $($variant($payload),)+ });

        $(impl $crate::Event for $payload {
            const TYPE: &'static str = $event_type;
            type Set = $name;
        })+
    };
}

/// `From` of an enum for what its variants hold.
#[doc(hidden)]
#[macro_export]
macro_rules! __from_variants {
    ($name:ident { $($variant:ident($payload:ty),)+ }) => {
        $(impl ::core::convert::From<$payload> for $name {
            fn from(value: $payload) -> Self {
                Self::$variant(value)
            }
        })+
    };
}
