#[event_api::event_api("spec/asyncapi.yaml", baseline = "spec/released.yaml", compat = "full")]
pub mod user_service {}

fn main() {}
