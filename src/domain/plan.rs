//! A plan: the exact calls that an approval covers. What is written here is what goes over the wire.

/// HTTP method of a call. A patch is the only way in which goaround changes an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// `PATCH`.
    Patch,
}

impl Method {
    /// As it stands in a request line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "PATCH",
        }
    }
}

/// One request to the API server.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Absolute path of the object, without query.
    pub path: String,
    /// `Content-Type` of the body.
    pub content_type: &'static str,
    /// The body; its compact JSON text is what is sent, keys in this order.
    pub body: serde_json::Value,
}
