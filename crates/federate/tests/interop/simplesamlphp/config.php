<?php
// SimpleSAMLphp, for our tests.

require_once __DIR__ . '/peer.php';
require_once __DIR__ . '/store.php';
$peer = peer();
$folder = $peer['folder'] . '/';

$config = [
    'baseurlpath' => $peer['base'] . '/',
    'certdir' => $folder,
    'loggingdir' => $folder,
    'datadir' => $folder,
    'tempdir' => $folder,
    'metadatadir' => __DIR__ . '/metadata/',
    'session.phpsession.savepath' => $folder,
    'logging.handler' => 'file',
    'logging.level' => SimpleSAML\Logger::WARNING,
    'secretsalt' => 'of a test alone',
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'timezone' => 'UTC',
    'admin.checkforupdates' => false,
    'errorreporting' => false,
    'showerrors' => true,
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'exampleauth' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => 'Lax',
    'language.cookie.secure' => false,
    'language.cookie.samesite' => 'Lax',
    'store.type' => $peer['store'],
    'metadata.sources' => [['type' => 'flatfile']],
];
