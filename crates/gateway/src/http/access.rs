//! Who asks over HTTP: the holder of the key in the header `Authorization`.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use registry::Principal;

use crate::gateway::Gateway;

/// Who asks. Whoever shows no key that is valid is the public: what that may not do is refused by
/// [`Gateway::allow`], and nowhere else.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<Gateway> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Infallible> {
        let mut given = parts.headers.get_all(AUTHORIZATION).iter();
        // Of two keys, none can be told to be the one that is meant.
        let only = given.next().filter(|_| given.next().is_none()).and_then(|value| value.to_str().ok());
        Ok(Self(gateway.principal(only)))
    }
}

/// The service and who asks it: what nearly every route begins with.
#[derive(Debug)]
pub(crate) struct Asker(pub(crate) Gateway, pub(crate) Principal);

impl FromRequestParts<Gateway> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Infallible> {
        let Caller(who) = Caller::from_request_parts(parts, gateway).await?;
        Ok(Self(gateway.clone(), who))
    }
}
