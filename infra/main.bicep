// The whole deployment: a resource group and what is in it. This file composes; each module has one concern.
targetScope = 'subscription'

// Where, and who

@minLength(1)
@maxLength(40)
@description('Name of the environment; every resource is named after it, and a second name is a second deployment.')
param environmentName string = 'swarmstar'

// Without a default, alone of all: azd asks for what has none, and a subscription's deployment needs a region.
@minLength(1)
@description('Region of every resource. It must offer Flex Consumption and the model.')
param location string

@description('Tags of every resource, besides the environment\'s name.')
param tags object = {}

@description('Object id of who deploys; it is given no access unless `principalAccess` says so.')
param principalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('Kind of that principal: a pipeline signs in as a service principal.')
param principalType string = 'User'

@description('Whether who deploys may read and write the documents and the content of all users and call the model: for a deployment of one\'s own.')
param principalAccess bool = false

// The app

@allowed(['3.11', '3.12'])
@description('Python version of the app.')
param pythonVersion string = '3.12'

@allowed([512, 2048, 4096])
@description('Memory of an instance in MB; processor share and price go with it.')
param instanceMemoryMB int = 2048

@minValue(40)
@maxValue(1000)
@description('Instances at most, which bounds the cost; the platform accepts no less than 40.')
param maximumInstances int = 40

@minValue(0)
@maxValue(40)
@description('Instances kept ready for orchestrations, which then start without delay. Each is billed all month: one of 2,048 MB is 5.3 million GB-seconds of the always-ready meter. 0 scales to zero.')
param durableAlwaysReady int = 1

@minValue(1)
@maxValue(1000)
@description('HTTP requests that one instance serves at once. The platform takes 1 for Python, too few for handlers that wait.')
param httpConcurrency int = 16

@description('Further app settings by name, such as {SWARMSTAR_FAN_OUT: \'8\'}; they go before those of the app module.')
param extraSettings object = {}

// Orchestration

@allowed(['azureStorage', 'azureManaged'])
@description('What keeps orchestrations: the storage account, or the Durable Task Scheduler. Packaging reads the same choice. Running orchestrations do not move from one to the other.')
param durableBackend string = 'azureStorage'

@minLength(3)
@maxLength(45)
@description('Name of the task hub, letters and digits. A new name begins with no orchestrations.')
param taskHubName string = 'swarmstar'

@minValue(1)
@maxValue(90)
@description('Days that the Durable Task Scheduler keeps ended orchestrations.')
param schedulerRetentionDays int = 7

// Documents and content

@allowed(['serverless', 'autoscale'])
@description('How Cosmos DB is paid for: by request, or by the hour between a tenth of a maximum and that maximum. An account keeps its mode.')
param cosmosMode string = 'serverless'

@minValue(1000)
@maxValue(1000000)
@description('Request units per second at most, in thousands; for `autoscale` alone.')
param cosmosMaxThroughput int = 1000

@allowed(['Standard_LRS', 'Standard_ZRS'])
@description('Replication of the storage accounts: within one zone, or over the zones of a region that has them.')
param storageSku string = 'Standard_LRS'

@minValue(0)
@maxValue(365)
@description('Days that deleted content can be brought back; 0 deletes at once. Backups of documents go back 7 days.')
param contentRetentionDays int = 7

// The model

@description('An existing OpenAI-compatible endpoint, such as https://NAME.openai.azure.com/openai/v1; empty: one is made.')
param modelBaseUrl string = ''

@description('Key Vault secret that holds the existing endpoint\'s key, by its URI; the app\'s identity needs to read it. Empty: the app calls as its identity, which needs a role there; Azure\'s endpoints alone take it.')
param modelApiKeySecretUri string = ''

@description('Name of the deployment, or of an existing endpoint\'s model, that the app asks for.')
param model string = 'gpt-5-mini'

@description('Version of that model, where one is deployed.')
param modelVersion string = '2025-08-07'

@description('Kind of the model\'s deployment, which says where it may compute and who shares it.')
param modelSku string = 'GlobalStandard'

@minValue(1)
@description('Capacity of the model\'s deployment, for most models in thousand tokens per minute: it bounds what all users together can spend in a minute.')
param modelCapacity int = 100

@description('All model deployments, each with name, model, version, sku and capacity.')
param modelDeployments array = [
  {
    name: model
    model: model
    version: modelVersion
    sku: modelSku
    capacity: modelCapacity
  }
]

// Sign-in

@secure()
@description('SHA-256, in lower-case hex, of the administrator\'s key. Empty: nobody can manage users.')
param adminKeySha256 string = ''

@description('Ids of the Entra ID tenants whose users are let in, with commas. Empty: API keys alone.')
param entraTenants string = ''

@description('Audiences that a token may be for, with commas; needed where there are tenants.')
param entraAudiences string = ''

// Network and telemetry

@description('Whether storage, database and model are reached by private endpoints alone. The app itself stays public; each endpoint is billed by the hour.')
param privateNetwork bool = false

@minValue(30)
@maxValue(730)
@description('Days that logs are kept.')
param logRetentionDays int = 30

@minValue(1)
@description('GB of logs taken in a day, which bounds the cost; what comes after is dropped until the next day.')
param logDailyGb int = 1

@description('Whether the database and the model write their own logs too: who changed them, and what each partition used.')
param resourceLogs bool = false

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })
var makesModel = empty(modelBaseUrl)
var usesScheduler = durableBackend == 'azureManaged'
var appPrincipal = {
  id: identity.outputs.principalId
  type: 'ServicePrincipal'
}
var deployer = {
  id: principalId
  type: principalType
}
var dataPrincipals = principalAccess && !empty(principalId) ? [appPrincipal, deployer] : [appPrincipal]

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-${token}'
    insightsName: 'appi-${token}'
    location: location
    tags: allTags
    appPrincipal: appPrincipal
    retentionDays: logRetentionDays
    dailyGb: logDailyGb
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    hostName: 'sthost${token}'
    contentName: 'stdata${token}'
    location: location
    tags: allTags
    sku: storageSku
    appPrincipal: appPrincipal
    dataPrincipals: dataPrincipals
    contentRetentionDays: contentRetentionDays
    isPrivate: privateNetwork
  }
}

module cosmos 'modules/cosmos.bicep' = {
  name: 'cosmos'
  scope: group
  params: {
    name: 'cosmos-${token}'
    location: location
    tags: allTags
    mode: cosmosMode
    maxThroughput: cosmosMaxThroughput
    dataPrincipals: dataPrincipals
    isPrivate: privateNetwork
    logWorkspaceId: resourceLogs ? monitoring.outputs.workspaceId : ''
  }
}

module openai 'modules/openai.bicep' = if (makesModel) {
  name: 'openai'
  scope: group
  params: {
    name: 'oai-${token}'
    location: location
    tags: allTags
    deployments: modelDeployments
    dataPrincipals: dataPrincipals
    isPrivate: privateNetwork
    logWorkspaceId: resourceLogs ? monitoring.outputs.workspaceId : ''
  }
}

module scheduler 'modules/scheduler.bicep' = if (usesScheduler) {
  name: 'scheduler'
  scope: group
  params: {
    name: 'dts-${token}'
    location: location
    tags: allTags
    taskHubName: taskHubName
    appPrincipal: appPrincipal
    retentionDays: schedulerRetentionDays
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-${token}'
    location: location
    tags: allTags
  }
}

module endpoints 'modules/endpoints.bicep' = if (privateNetwork) {
  name: 'endpoints'
  scope: group
  params: {
    location: location
    tags: allTags
    networkId: privateNetwork ? network!.outputs.id : ''
    subnetId: privateNetwork ? network!.outputs.endpointsSubnetId : ''
    hostStorageId: storage.outputs.hostId
    contentStorageId: storage.outputs.contentId
    cosmosId: cosmos.outputs.id
    openaiId: makesModel ? openai!.outputs.id : ''
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: allTags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    durableAlwaysReady: durableAlwaysReady
    httpConcurrency: httpConcurrency
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    packageContainerUrl: storage.outputs.packageContainerUrl
    hostBlobEndpoint: storage.outputs.hostBlobEndpoint
    hostQueueEndpoint: storage.outputs.hostQueueEndpoint
    hostTableEndpoint: storage.outputs.hostTableEndpoint
    contentBlobEndpoint: storage.outputs.contentBlobEndpoint
    insightsConnectionString: monitoring.outputs.connectionString
    cosmosEndpoint: cosmos.outputs.endpoint
    taskHubName: taskHubName
    schedulerEndpoint: usesScheduler ? scheduler!.outputs.endpoint : ''
    model: model
    modelBaseUrl: makesModel ? openai!.outputs.baseUrl : modelBaseUrl
    modelApiKeySecretUri: makesModel ? '' : modelApiKeySecretUri
    adminKeySha256: adminKeySha256
    entraTenants: entraTenants
    entraAudiences: entraAudiences
    extraSettings: extraSettings
  }
  dependsOn: [
    endpoints
  ]
}

@description('Region of the deployment.')
output AZURE_LOCATION string = location

@description('Tenant of the deployment.')
output AZURE_TENANT_ID string = tenant().tenantId

@description('Resource group that holds everything.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the function app.')
output SERVICE_API_NAME string = app.outputs.name

@description('Address of the app, for the CLI\'s --url.')
output SERVICE_API_URI string = app.outputs.uri

@description('Client id of the app\'s identity.')
output IDENTITY_CLIENT_ID string = identity.outputs.clientId

@description('Object id of the app\'s identity, for a role on an existing model endpoint or a key vault.')
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

@description('Endpoint of the database.')
output COSMOS_ENDPOINT string = cosmos.outputs.endpoint

@description('Blob endpoint of the content.')
output BLOB_ENDPOINT string = storage.outputs.contentBlobEndpoint

@description('Endpoint of the model.')
output MODEL_BASE_URL string = makesModel ? openai!.outputs.baseUrl : modelBaseUrl
