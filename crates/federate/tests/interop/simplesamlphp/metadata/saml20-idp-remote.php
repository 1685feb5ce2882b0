<?php
// Our identity provider, by its metadata.

$ours = SimpleSAML\Metadata\SAMLParser::parseString(peer()['peer']);
if ($ours->getMetadata20IdP() !== null) {
    $metadata[$ours->getEntityId()] = $ours->getMetadata20IdP();
}
