//! How messages travel through the browser (`[SAMLBind] 3`).

mod parameters;
mod post;
mod redirect;

pub use post::{PostForm, PostMessage};
pub use redirect::{RedirectMessage, redirect_url};
