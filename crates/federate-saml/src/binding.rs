//! How messages travel: through the browser, or directly between the parties (`[SAMLBind] 3`).

mod artifact;
mod parameters;
mod post;
mod redirect;
mod simple_sign;
pub mod soap;

pub use artifact::{ArtifactForm, ArtifactMessage, artifact_url};
pub use post::{PostForm, PostMessage};
pub use redirect::{RedirectMessage, redirect_url};
pub use simple_sign::{SimpleSignForm, SimpleSignMessage};
