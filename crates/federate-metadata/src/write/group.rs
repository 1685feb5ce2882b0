//! Writing groups.

use super::common_attributes;
use crate::{EntitiesDescriptor, GroupMember, MetadataError};
use federate_types::MessageId;
use federate_xml::{FromElement, Name, Signer, Writer};

impl EntitiesDescriptor {
    /// Writes the group into what is being written, in the order of the schema
    /// (`[SAMLMeta] 2.3.1`). The schema wants at least one member; this is not checked.
    pub fn write(&self, writer: &mut Writer) {
        self.start(writer, self.id.as_ref());
        self.write_inside(writer);
        writer.end();
    }

    /// The group as a document.
    #[must_use]
    pub fn to_xml(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.finish()
    }

    /// The group as a document with a signature over all of it (`[SAMLMeta] 3.1`), as
    /// [`EntityDescriptor::to_signed_xml`](crate::EntityDescriptor::to_signed_xml).
    ///
    /// # Errors
    /// [`MetadataError::Signing`] when the key refuses.
    pub fn to_signed_xml(&self, signer: &Signer, id: &MessageId) -> Result<Vec<u8>, MetadataError> {
        let mut writer = Writer::new();
        self.start(&mut writer, Some(id));
        writer.signature_belongs_here();
        self.write_inside(&mut writer);
        writer.end();
        Ok(signer.sign(writer, id)?)
    }

    fn start(&self, writer: &mut Writer, id: Option<&MessageId>) {
        writer.start(Self::ELEMENT);
        common_attributes(writer, id, self.valid_until, self.cache_duration);
        writer.optional_attribute(Name::local("Name"), self.name.as_deref());
    }

    fn write_inside(&self, writer: &mut Writer) {
        self.extensions.write(writer);
        for member in &self.members {
            match member {
                GroupMember::Entity(entity) => entity.write(writer),
                GroupMember::Group(group) => group.write(writer),
            }
        }
    }
}
