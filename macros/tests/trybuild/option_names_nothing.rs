#[event_api::event_api("spec/asyncapi.yaml", rename = { "NameChangd" = Renamed })]
pub mod user_service {}

fn main() {}
