<?php
// Our service provider, by its metadata.

$peer = peer();
$ours = SimpleSAML\Metadata\SAMLParser::parseString($peer['peer']);
if ($ours->getMetadata20SP() !== null) {
    $metadata[$ours->getEntityId()] = $peer['for_sp'] + $ours->getMetadata20SP();
}
