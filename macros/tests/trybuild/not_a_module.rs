#[event_api::event_api("spec/asyncapi.yaml")]
pub struct UserService;

fn main() {}
