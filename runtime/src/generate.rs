//! How generated code gets into a crate: by the attribute, or from what a build script wrote.

/// Generates the items of a module from an AsyncAPI document.
///
/// ```
/// #[event_api::event_api("spec/asyncapi.yaml")]
/// pub mod user_service {}
///
/// use user_service::{NameChanged, UserEvents, UserId};
///
/// let event = NameChanged { user_id: "u-1".parse()?, new_name: "Ada".parse()? };
/// assert_eq!(UserEvents::CHANNEL.event_types, ["NameChanged", "UserDeleted"]);
/// assert!("Ada".parse::<UserId>().is_err());
/// # let _ = event;
/// # Ok::<(), event_api::Invalid>(())
/// ```
///
/// The path is relative to the folder of the crate's `Cargo.toml`. The document, and every file that it refers to, is
/// tracked: the next build after an edit generates anew. An error of the document is a compile error that shows file,
/// line, column and what to do. Warnings cannot be shown by an attribute; `cargo event-api validate` shows them.
///
/// Items that stand in the module already are kept, in front of the generated ones. Lints of style are off for the
/// whole module, because nobody edits generated code.
///
/// # Versions
///
/// A log keeps what was published under earlier versions of the document. `versions` in the place of the path names all
/// that are still met, the oldest first:
///
/// ```standalone_crate
/// #[event_api::event_api(versions = ["spec/v1.yaml", "spec/v2.yaml"])]
/// pub mod user_service {}
///
/// use event_api::{Upcast, UpcastError};
/// use user_service::{NameChanged, v1};
///
/// impl Upcast<v1::NameChanged> for NameChanged {
///     fn upcast(old: v1::NameChanged) -> Result<Self, UpcastError> {
///         Ok(NameChanged { user_id: old.user_id, new_name: old.new_name, reason: "unknown".to_owned() })
///     }
/// }
///
/// # fn main() -> Result<(), event_api::Invalid> {
/// let same_type: v1::UserDeleted = user_service::UserDeleted { user_id: "u-1".parse()? };
/// # let _ = same_type;
/// # Ok(())
/// # }
/// ```
///
/// Each becomes a module (`user_service::v1`), and the newest one's items stand in the module itself. A type that is the
/// same in two versions is one type; for one that is not, the compiler asks for an [`Upcast`](crate::Upcast). Handlers of
/// the newest version then get the events of all. The project's `docs/versions.md` has the whole of it.
///
/// # Options
///
/// Options follow the path, in any order:
///
/// ```standalone_crate
/// #[event_api::event_api(
///     "spec/asyncapi.yaml",
///     side = "consumer",
///     unknown_events = "refuse",
///     replace = { "UserId" = crate::UserId },
///     rename = { "NameChanged" = Renamed },
///     derive = { "*" = [Eq, Hash], "UserDeleted" = Default },
///     attr = { "#/channels/userEvents/messages/nameChanged/payload" = [must_use] },
/// )]
/// pub mod user_service {}
///
/// /// An id of our own for the schema of this name.
/// pub type UserId = String;
///
/// # fn main() {
/// assert_eq!(user_service::UserDeleted::default().user_id, "");
/// # }
/// ```
///
/// | option | effect |
/// | --- | --- |
/// | `side` | `"both"` (default), or only what a `"publisher"` or a `"consumer"` needs |
/// | `unknown_events` | event types that are not declared: `"keep"` (default) as the variant `Unknown`, or `"refuse"` |
/// | `exact` | with `true`, a schema without `type` accepts values of every type, whatever its keywords speak of |
/// | `map_remote` | `{ "https://schemas.example.com/" = "vendor/schemas" }`: folders to read instead of URLs |
/// | `allow_hosts` | `["schemas.example.com"]`: hosts from which references are fetched, with `curl`, at every build |
/// | `replace` | a type of your own for a schema; it implements serde's traits, `Clone`, `Debug` and `PartialEq` |
/// | `rename` | another name for a type |
/// | `derive` | further derives of a type, one or a list |
/// | `attr` | further attributes of a type, one or a list, without `#[…]` |
/// | `baseline` | a released version of the document, or a folder of them: what breaks it is a compile error with the report |
/// | `compat` | what must hold then: `"full"` (default), `"backward"` or `"forward"`, each also with `-transitive` |
///
/// Remote references are refused unless one of the two options is about them.
///
/// `replace`, `rename`, `derive` and `attr` name a type by its name (`"UserId"`), a schema by its pointer (`"#/components/schemas/UserId"`), and
/// `derive` and `attr` every type by `"*"`. What they are set to is Rust, or a string of Rust. Paths in it mean what
/// they would mean inside of the module, so those that begin with `crate::` are the clearest.
#[cfg(feature = "macros")]
pub use event_api_macros::event_api;

/// Includes the code that a build script generated, by its name.
///
/// ```ignore
/// // build.rs
/// fn main() -> Result<(), event_api_codegen::BuildError> {
///     event_api_codegen::configure().compile_as("user_service", "spec/asyncapi.yaml")
/// }
///
/// // src/lib.rs
/// pub mod user_service {
///     event_api::include_api!("user_service");
/// }
/// ```
#[macro_export]
macro_rules! include_api {
    ($name:literal) => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/", $name, ".rs"));
    };
}
