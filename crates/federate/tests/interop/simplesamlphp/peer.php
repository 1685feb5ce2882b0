<?php
// What the test wrote for SimpleSAMLphp, in the file that the environment variable PEER names:
//
// {"base": where it lives, "folder": where it may write, and where its key and certificate lie,
//  "peer": our metadata, "user": {name: values}, "format": which names it asks for,
//  "store": where it keeps its sessions, "phpsession" or "FileStore",
//  "sp", "idp", "for_sp": more options of the service provider, of the identity provider, and of
//  the identity provider for our service provider}

function peer(): array
{
    return json_decode(file_get_contents(getenv('PEER')), true);
}
