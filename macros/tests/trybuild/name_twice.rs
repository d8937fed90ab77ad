#[event_api::event_api("spec/asyncapi.yaml", derive = { "*" = Eq, "*" = Hash })]
pub mod user_service {}

fn main() {}
