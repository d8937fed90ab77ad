#[event_api::event_api("spec/asyncapi.yaml", replace = { "NameChanged" = "crate::" })]
pub mod user_service {}

fn main() {}
