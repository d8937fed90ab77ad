#[event_api::event_api("spec/asyncapi.yaml", baseline = "spec/relased")]
pub mod user_service {}

fn main() {}
