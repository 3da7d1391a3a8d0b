//! Peers that are not of this project meet the mock roles: OpenSSL, curl, and some that speak no protocol at all.

mod accepting;
mod dialling;
mod scene;
mod spoiled_answers;
mod spoiled_requests;
mod tools;
